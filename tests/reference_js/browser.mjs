// What the official client takes from a browser: a window that is online, and requests that report their progress.

globalThis.window = Object.assign(new EventTarget(), { navigator: { onLine: true } });

class XMLHttpRequest extends EventTarget {
  upload = new EventTarget();
  readyState = 0;
  status = 0;
  timeout = 0;
  #method;
  #url;
  #headers = new Headers();
  #answer;
  #aborted = new AbortController();

  open(method, url) {
    this.#method = method;
    this.#url = url;
    this.#headers = new Headers();
    this.readyState = 1;
  }

  setRequestHeader(name, value) {
    // Browsers set the length themselves and ignore what a program says.
    if (name.toLowerCase() !== "content-length") {
      this.#headers.append(name, value);
    }
  }

  getResponseHeader(name) {
    return this.#answer?.headers.get(name) ?? null;
  }

  abort() {
    this.#aborted.abort();
  }

  async send(body) {
    try {
      this.#answer = await fetch(this.#url, {
        method: this.#method,
        headers: this.#headers,
        body,
        signal: this.#aborted.signal,
      });
      await this.#answer.arrayBuffer();
    } catch (error) {
      return this.#finish(this.#aborted.signal.aborted ? "abort" : "error");
    }
    this.status = this.#answer.status;
    const progress = new Event("progress");
    const size = body?.size ?? 0;
    Object.assign(progress, { lengthComputable: true, loaded: size, total: size });
    this.upload.dispatchEvent(progress);
    this.#finish("load");
  }

  #finish(type) {
    this.readyState = 4;
    this.onreadystatechange?.();
    for (const name of [type, "loadend"]) {
      const event = new Event(name);
      this[`on${name}`]?.(event);
      this.dispatchEvent(event);
    }
  }
}

globalThis.XMLHttpRequest = XMLHttpRequest;
