// A signature is drawn on a canvas and goes with the form as a PNG. Without this the name is typed alone.
"use strict";
(() => {
  let drawing = null;
  const pads = () => {
    for (const pad of document.querySelectorAll("[data-signature][hidden]")) pad.hidden = false;
  };
  const at = (canvas, event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  // The page is refreshed in place: listeners stand on the document, and the pad is shown again.
  document.addEventListener("pointerdown", (event) => {
    const canvas = event.target.closest?.("[data-signature] canvas");
    if (!canvas) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    const pen = canvas.getContext("2d");
    Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
    drawing = { canvas, pen, last: at(canvas, event) };
  });
  document.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    const next = at(drawing.canvas, event);
    drawing.pen.beginPath();
    drawing.pen.moveTo(...drawing.last);
    drawing.pen.lineTo(...next);
    drawing.pen.stroke();
    drawing.last = next;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => {
      if (!drawing) return;
      const pad = drawing.canvas.closest("[data-signature]");
      pad.querySelector("input").value = drawing.canvas.toDataURL("image/png");
      drawing = null;
    });
  }
  document.addEventListener("click", (event) => {
    const pad = event.target.closest?.("[data-signature] button")?.closest("[data-signature]");
    if (!pad) return;
    const canvas = pad.querySelector("canvas");
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    pad.querySelector("input").value = "";
  });
  document.addEventListener("toggle", pads, { capture: true });
  pads();
})();
