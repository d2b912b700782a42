import "repaint-webgpu/element";

const element = document.querySelector("repaint-inpaint");
const status = document.querySelector("[role=status]");
element.addEventListener("progress", ({ detail }) => {
  status.textContent = `Step ${detail.step} of ${detail.steps}`;
});
