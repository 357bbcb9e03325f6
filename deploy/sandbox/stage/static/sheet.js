/** The page of the app, opened over a phone. */

import { h } from "./dom.js";

let current = null;

/** Open `url` over `frame` for a person. One page at a time: the app's session belongs to the browser, not to a phone. */
export function openPage(frame, config, person, url) {
  if (new URL(url).origin !== new URL(config.app).origin) {
    window.open(url, "_blank", "noopener");
    return;
  }
  closePage();
  const inside = h("iframe", { src: `open?${new URLSearchParams({ person: person.id, to: url })}`, title: "打开的页面" });
  const widen = () => {
    const wide = sheet.classList.toggle("wide");
    size.textContent = wide ? "缩小" : "放大";
  };
  const size = h("button.icon.word", { type: "button", onclick: widen }, "放大");
  const sheet = h("section.sheet", { "aria-label": "打开的页面", "data-sheet": person.id },
    h("header", {},
      h("button.icon", { type: "button", "aria-label": "关闭", onclick: closePage }, "✕"),
      h("span.sheet-title", {}, `${person.name}打开的页面`), size),
    inside);
  frame.append(sheet);
  current = sheet;
}

export function closePage() {
  current?.remove();
  current = null;
}
