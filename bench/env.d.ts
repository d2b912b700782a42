/** What Vite adds to modules of the benchmark: `?raw`, workers. */
/// <reference types="vite/client" />
