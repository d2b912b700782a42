const element = document.querySelector("repaint-inpaint");
const status = document.querySelector("[role=status]");

element.addEventListener("progress", ({ detail }) => {
  status.textContent = `Step ${detail.step} of ${detail.steps}`;
});
element.addEventListener("result", ({ detail }) => {
  status.textContent = `${detail.modelCalls} calls of the network in ${detail.seconds.toFixed(1)} s`;
});
element.addEventListener("error", ({ detail }) => {
  status.textContent = detail.message;
});
