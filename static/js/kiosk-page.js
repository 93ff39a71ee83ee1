// <kiosk-answer seconds="12">: the ticket just given; it goes away by itself, so that the next customer finds the services.
// <kiosk-page lang-home="zh-hans">: after a minute without a touch the page is as it was: no box ticked, its own language.
//
// With ?print in the address every ticket is printed at once; a browser started with --kiosk-printing asks nobody.

const IDLE = 60000; // milliseconds

class KioskPage extends HTMLElement {
  connectedCallback() {
    for (const name of ["pointerdown", "keydown"]) this.addEventListener(name, () => this.touched());
    this.touched();
  }

  touched() {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.goHome(), IDLE);
  }

  goHome() {
    clearPriority();
    const language = document.documentElement.lang.toLowerCase();
    if (language !== this.getAttribute("lang-home")) this.querySelector("form.language")?.requestSubmit();
  }
}

class KioskAnswer extends HTMLElement {
  connectedCallback() {
    clearPriority();
    document.querySelector(".said")?.replaceChildren();
    this.left = Number(this.getAttribute("seconds"));
    this.addEventListener("click", (event) => this.choose(event.target.closest("[data-kiosk]")?.dataset.kiosk));
    this.timer = setInterval(() => this.count(), 1000);
    this.draw();
    this.querySelector("[data-kiosk=done]").focus({ preventScroll: true });
    if (new URLSearchParams(location.search).has("print") && this.querySelector("[data-kiosk=print]")) print();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  choose(what) {
    if (what === "print") print();
    if (what === "done") this.remove();
  }

  count() {
    this.left -= 1;
    if (this.left <= 0) this.remove();
    else this.draw();
  }

  draw() {
    this.querySelector(".given-count").textContent = this.left;
  }
}

function clearPriority() {
  const box = document.getElementById("kiosk-class");
  if (box) box.checked = false;
}

customElements.define("kiosk-page", KioskPage);
customElements.define("kiosk-answer", KioskAnswer);
