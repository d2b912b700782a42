/** What Vite adds to modules of the page. */
/// <reference types="vite/client" />
