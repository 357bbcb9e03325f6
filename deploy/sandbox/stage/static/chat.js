/** A chat as a scrolling list of messages: it only grows, and keeps its place while somebody reads further up. */

import { day, h, time } from "./dom.js";
import { drawMessage } from "./draw.js";

const PAUSE = 5 * 60_000; // of the story: after it a line tells the time
const NEAR = 80; // pixels from the end that still count as the end

export class Chat {
  constructor(to) {
    this.to = to;
    this.list = h("div.messages", { role: "log", onscroll: () => this.#seen() });
    this.hint = h("button.hint", { type: "button", hidden: true, onclick: () => this.toEnd() }, "↓ 新消息");
    this.element = h("div.chat", {}, this.list, this.hint);
    this.drawn = new Map();
    this.last = null;
    this.atEnd = true;
    this.place = 0;
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.list);
  }

  show(row) {
    const known = this.drawn.get(row.id);
    const element = drawMessage(row, this.to(row));
    this.drawn.set(row.id, element);
    if (known) {
      known.replaceWith(element);
    } else {
      this.#tellTime(row.at);
      this.list.append(element);
      for (const picture of element.querySelectorAll("img")) picture.onload = () => this.atEnd && this.toEnd();
    }
    if (this.atEnd || row.sender === this.to(row).mine) this.toEnd();
    else this.hint.hidden = Boolean(known);
  }

  #tellTime(at) {
    const moment = Date.parse(at);
    if (this.last === null || moment - this.last >= PAUSE) {
      this.list.append(h("div.line.moment", {}, h("time", { dateTime: at }, `${day(at)} ${time(at)}`)));
    }
    this.last = moment;
  }

  #seen() {
    const { scrollTop, scrollHeight, clientHeight } = this.list;
    if (!clientHeight) return; // out of sight: its place is remembered
    // Only going up leaves the end: a picture that arrives late also moves it away.
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.atEnd = true;
    else if (scrollTop < this.place) this.atEnd = false;
    this.place = scrollTop;
    if (this.atEnd) this.hint.hidden = true;
  }

  toEnd() {
    this.atEnd = true;
    this.hint.hidden = true;
    this.list.scrollTop = this.list.scrollHeight;
    this.place = this.list.scrollTop;
  }

  /** To be called when the chat has come back on the page, which has forgotten how far it was scrolled. */
  shown() {
    if (this.atEnd) this.toEnd();
    else this.list.scrollTop = this.place;
  }
}
