/** One stand-in seen from the page: its rows, merged by id, and the acts of its persons. */

import { getJson } from "./dom.js";

const TABLES = ["people", "messages", "groups", "callbacks", "dropped"];

export class Feed {
  constructor(name, base) {
    this.name = name;
    this.base = base;
    this.menu = {};
    this.listeners = [];
    this.#forget();
  }

  #forget() {
    this.seq = 0;
    this.run = null;
    this.rows = Object.fromEntries(TABLES.map((table) => [table, new Map()]));
  }

  /** `listen(changed)`: rows by table, in the order they came; null = there was a reset, forget all. */
  listen(listener) {
    this.listeners.push(listener);
  }

  #tell(changed) {
    for (const listener of this.listeners) listener(changed);
  }

  /** Ask for what is new. Two at a time would merge out of order: the second waits for the first. */
  pull() {
    this.pulling = (this.pulling ?? Promise.resolve()).catch(() => {}).then(() => this.#pull());
    return this.pulling;
  }

  async #pull() {
    const state = await getJson(`${this.base}/_sandbox/state?since=${this.seq}`);
    if ((this.run !== null && state.run !== this.run) || state.seq < this.seq) {
      this.#forget();
      this.#tell(null);
      return this.#pull();
    }
    this.run = state.run;
    this.seq = state.seq;
    this.menu = state.menu;
    for (const table of TABLES) for (const row of state[table]) this.rows[table].set(row.id, row);
    this.#tell(state);
  }

  /** Do something as a person; what it changed is on the page when this returns. Error when it is impossible. */
  async act(name, body) {
    // A string body needs no CORS preflight.
    const doing = getJson(`${this.base}/_sandbox/${name}`, { method: "POST", body: JSON.stringify(body) });
    this.pull().catch(() => {});
    try {
      return await doing;
    } finally {
      await this.pull().catch(() => {});
    }
  }

  media(id) {
    return `${this.base}/_sandbox/media/${encodeURIComponent(id)}`;
  }
}
