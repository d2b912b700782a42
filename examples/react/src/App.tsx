import { useState } from "react";
import "repaint-webgpu/react";
import mask from "repaint-webgpu/weights/examples/4-both-eyes.fill.png?url";
import picture from "repaint-webgpu/weights/examples/4-both-eyes.png?url";

export function App() {
  const [status, setStatus] = useState("Paint over what should go, then fill it in.");

  return (
    <main>
      <h1>React</h1>
      <repaint-inpaint
        src={picture}
        mask={mask}
        preset="fast"
        onrepaint-progress={({ detail }) =>
          setStatus(`Step ${detail.step} of ${detail.steps}, ${Math.ceil(detail.secondsLeft)} s left`)
        }
        onrepaint-result={({ detail }) => setStatus(`${detail.modelCalls} calls`)}
      />
      <p role="status">{status}</p>
    </main>
  );
}
