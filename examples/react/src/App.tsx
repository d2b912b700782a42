import { useEffect, useRef, useState } from "react";
import "repaint-webgpu/element";
import type { RepaintInpaint } from "repaint-webgpu/element";
import mask from "repaint-webgpu/weights/examples/4-both-eyes.fill.png?url";
import picture from "repaint-webgpu/weights/examples/4-both-eyes.png?url";

export function App() {
  const element = useRef<RepaintInpaint>(null);
  const [status, setStatus] = useState("Paint over what should go, then fill it in.");

  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    element.current?.addEventListener(
      "progress",
      ({ detail }) => setStatus(`Step ${detail.step} of ${detail.steps}, ${Math.ceil(detail.secondsLeft)} s left`),
      { signal },
    );
    element.current?.addEventListener("result", ({ detail }) => setStatus(`${detail.modelCalls} calls`), { signal });
    return () => ending.abort();
  }, []);

  return (
    <main>
      <h1>React</h1>
      <repaint-inpaint ref={element} src={picture} mask={mask} preset="fast" />
      <p role="status">{status}</p>
    </main>
  );
}
