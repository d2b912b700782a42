/** Keeps the page for visits without a network (serviceWorker.js), and offers a newer version when one has come. */
export function keepOffline(notice: HTMLElement): void {
  // There is none where the page is served without TLS, and under the development server.
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  const { serviceWorker } = navigator;
  const offer = (waiting: ServiceWorker): void => {
    notice.hidden = false;
    notice.querySelector("button")!.onclick = () => {
      serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      waiting.postMessage("take over");
    };
  };
  const watch = (registration: ServiceWorkerRegistration): void => {
    // Without a version that is running, what comes is no update.
    const check = () => registration.waiting && serviceWorker.controller && offer(registration.waiting);
    const follow = () => registration.installing?.addEventListener("statechange", check);
    check();
    // One that was found before this ran is told of no more.
    follow();
    registration.addEventListener("updatefound", follow);
  };
  // After the page's own files: the worker fetches all of them.
  const register = (): void =>
    void serviceWorker
      .register(new URL("./serviceWorker.js", document.baseURI))
      .then(watch, (error: unknown) => console.warn("This page will not work offline:", error));
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}
