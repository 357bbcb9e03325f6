// Shows the fields that belong to what was chosen, and stops a form that is too big or on its way already.
// Without it the form works as well: the server checks everything.
"use strict";

function values(form) {
  return Object.fromEntries(new FormData(form));
}

function holds(when, have) {
  return Object.entries(when).every(([key, wanted]) =>
    Array.isArray(wanted) ? wanted.includes(have[key])
      : typeof wanted === "boolean" ? Boolean(have[key]) === wanted
        : have[key] === wanted);
}

function refresh(form) {
  const have = values(form);
  for (const field of form.querySelectorAll("[data-shown-when]")) {
    field.hidden = !holds(JSON.parse(field.dataset.shownWhen), have);
  }
  for (const field of form.querySelectorAll("[data-required-when]")) {
    field.querySelector(".must").hidden = !holds(JSON.parse(field.dataset.requiredWhen), have);
  }
}

function bytes(form) {
  return [...form.querySelectorAll("input[type=file]")]
    .flatMap((input) => [...input.files])
    .reduce((sum, file) => sum + file.size, 0);
}

for (const form of document.querySelectorAll("form.sheet")) {
  refresh(form);
  form.addEventListener("input", () => refresh(form));
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent || bytes(form) > Number(form.dataset.cap)) {
      event.preventDefault();
      if (!form.dataset.sent) {
        alert("文件加起来太大了。请少选几个，或者把照片拍小一点。");
      }
      return;
    }
    form.dataset.sent = "1";
  });
}

// A page brought back from the browser's memory may be sent again; the server shows what came of the first time.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.sheet")) {
    delete form.dataset.sent;
  }
});
