// Shows the fields that belong to what was chosen, keeps what was typed over a reload, and stops a form that is too
// big or on its way already. Without it the form works as well: the server checks everything.
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

// --- what was typed, kept in this tab alone until the form has gone through

const DRAFT = "draft:";

function draftOf(form) {
  return `${DRAFT}${form.dataset.owner}:${form.getAttribute("action")}`;
}

function drafts() {
  return Object.keys(sessionStorage).filter((key) => key.startsWith(DRAFT));
}

function keep(form, field) {
  if (!field.name || ["file", "hidden", "submit"].includes(field.type) || field.name === "drop") {
    return;
  }
  const kept = JSON.parse(sessionStorage.getItem(draftOf(form)) || "{}");
  kept[field.name] = new FormData(form).getAll(field.name);
  sessionStorage.setItem(draftOf(form), JSON.stringify(kept));
}

function restore(form) {
  // Whoever sits down at this screen after somebody else reads nothing of theirs.
  drafts().filter((key) => !key.startsWith(`${DRAFT}${form.dataset.owner}:`)).forEach((key) => sessionStorage.removeItem(key));
  const kept = JSON.parse(sessionStorage.getItem(draftOf(form)) || "{}");
  for (const field of form.elements) {
    const said = kept[field.name];
    if (said && ["radio", "checkbox"].includes(field.type)) {
      field.checked = said.includes(field.value);
    } else if (said) {
      field.value = said[0] || "";
    }
  }
}

const did = new URLSearchParams(location.search).get("did");
if (did) {
  drafts().filter((key) => key.endsWith(`/${did}`)).forEach((key) => sessionStorage.removeItem(key));
}

// --- on its way

function leave(form) {
  form.dataset.sent = "1";
  const size = bytes(form);
  form.querySelector(".sending").hidden = !size;
  form.querySelector(".sending span").textContent = `${(size / 1048576).toFixed(1)} MB`;
}

for (const form of document.querySelectorAll("form.sheet")) {
  restore(form);
  refresh(form);
  form.addEventListener("input", (event) => {
    keep(form, event.target);
    refresh(form);
  });
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent || bytes(form) > Number(form.dataset.cap)) {
      event.preventDefault();
      if (!form.dataset.sent) {
        alert("文件加起来太大了。请少选几个，或者把照片拍小一点。");
      }
      return;
    }
    leave(form);
  });
  const wrong = form.querySelector(".field.wrong");
  if (wrong) {
    wrong.querySelector("input, select, textarea").focus();
    wrong.scrollIntoView({ block: "center" });
  }
}

// A suggestion is taken by a tap, never by itself.
for (const button of document.querySelectorAll("button[data-fill]")) {
  button.addEventListener("click", () => {
    const fields = [...button.form.elements].filter((field) => field.name === button.dataset.fill);
    for (const field of fields) {
      if (field.type === "radio") {
        field.checked = field.value === button.dataset.value;
      } else {
        field.value = button.dataset.value;
      }
    }
    fields[0]?.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// A page brought back from the browser's memory may be sent again; the server shows what came of the first time.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.sheet")) {
    delete form.dataset.sent;
    form.querySelector(".sending").hidden = true;
  }
});
