// Forms that send a file work without this. With it a file can be dropped on them, its name is said before it is sent,
// and the button says that the file is on its way.
"use strict";

for (const form of document.querySelectorAll("form[data-sending]")) {
  const input = form.querySelector("input[type=file]");
  const button = form.querySelector("button");
  const field = input.closest(".field");
  const status = document.createElement("p");
  const words = button.textContent;

  status.setAttribute("role", "status");
  field.after(status);
  field.classList.add("drop");
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "You can also drop the file here.";
  input.before(hint);

  const say = () => {
    const file = input.files[0];
    status.textContent = file ? `Chosen: ${file.name} (${Math.max(1, Math.round(file.size / 1000))} kB)` : "";
  };
  input.addEventListener("change", say);

  for (const name of ["dragenter", "dragover"]) {
    field.addEventListener(name, (event) => {
      event.preventDefault();
      field.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    field.addEventListener(name, () => field.classList.remove("over"));
  }
  field.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length === 1) {
      input.files = event.dataTransfer.files;
      say();
    } else {
      status.textContent = "Drop one file only.";
    }
  });

  form.addEventListener("submit", () => {
    button.disabled = true;
    button.textContent = "Sending and checking…";
    status.textContent = "Your file is being sent and checked.";
  });
  // who comes back to the page finds the form as it was
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    button.textContent = words;
    say();
  });
}
