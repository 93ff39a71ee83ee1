// The board's alarm sounds: off until the first tap, then new / warning / overdue differ; a mute ends by itself.
//
// What sounds is what the board shows: alarm cards ([data-alarm][data-loud="new|overdue"]) and a figure that turns to
// warning ([data-figure].is-warn). Each has its visual twin: the card or figure is marked .is-fresh for a few seconds.
// Browsers let a page sound only after a tap; a choice kept on this device is taken up again at the next tap.

const MUTE = 10 * 60 * 1000; // milliseconds
const FRESH = 6000; // milliseconds
const TUNES = { // [frequency in Hz, start and length in seconds]: two up, one low twice, three falling
  new: [[660, 0, 0.14], [880, 0.18, 0.22]],
  warning: [[440, 0, 0.16], [440, 0.26, 0.16]],
  overdue: [[988, 0, 0.16], [784, 0.22, 0.16], [587, 0.44, 0.32]],
};

class AlarmSound extends HTMLElement {
  connectedCallback() {
    this.known = this.look();
    this.volume = Number(remembered("volume")) || 5;
    this.on = remembered("sound") === "on";
    this.mutedUntil = 0;
    this.querySelector("[data-sound=volume]").value = this.volume;
    this.addEventListener("click", (event) => this.choose(event.target.closest("button[data-sound]")?.dataset.sound));
    this.addEventListener("input", (event) => this.turn(event.target.value));
    this.watcher = new MutationObserver(() => this.compare());
    this.watcher.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
    document.addEventListener("pointerdown", () => this.on && this.ready(), { once: true });
    document.addEventListener("click", (event) => {
      for (const open of document.querySelectorAll("details.menu[open]")) if (!open.contains(event.target)) open.open = false;
    });
    this.draw();
  }
  disconnectedCallback() {
    this.watcher.disconnect();
  }
  choose(what) {
    if (!what) return;
    if (what === "on" || what === "off") {
      this.on = what === "on";
      remember("sound", what);
      if (this.on) this.play("new");
    } else if (what === "mute" || what === "unmute") {
      this.mutedUntil = what === "mute" ? Date.now() + MUTE : 0;
      clearTimeout(this.unmuting);
      if (what === "mute") this.unmuting = setTimeout(() => this.choose("unmute"), MUTE);
    } else if (what in TUNES) this.play(what);
    this.draw();
  }
  turn(volume) {
    this.volume = Number(volume);
    remember("volume", volume);
  }
  ready() {
    if (!this.audio) {
      this.audio = new AudioContext();
      this.audio.addEventListener("statechange", () => this.draw());
    }
    if (this.audio.state === "suspended") this.audio.resume();
    return this.audio;
  }
  // What is loud now: key → tune.
  look() {
    const found = new Map();
    for (const card of document.querySelectorAll("[data-alarm][data-loud]")) {
      for (const id of card.dataset.alarm.split(",")) found.set(id, { tune: card.dataset.loud, element: card });
    }
    for (const figure of document.querySelectorAll("[data-figure].is-warn")) found.set(figure.dataset.figure, { tune: "warning", element: figure });
    return found;
  }
  compare() {
    const found = this.look();
    let loudest = "";
    for (const [key, { tune, element }] of found) {
      if (this.known.get(key)?.tune === tune) continue;
      if (!loudest || tune === "overdue") loudest = tune;
      element.classList.add("is-fresh");
      setTimeout(() => element.classList.remove("is-fresh"), FRESH);
    }
    this.known = found;
    // Before the first tap nothing sounds, nor later what was missed.
    if (loudest && this.on && this.audio?.state === "running" && Date.now() >= this.mutedUntil) this.play(loudest);
  }
  play(name) {
    const audio = this.ready();
    for (const [frequency, start, length] of TUNES[name]) {
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      const at = audio.currentTime + 0.03 + start;
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime((this.volume / 10) ** 2, at + 0.02);
      gain.gain.linearRampToValueAtTime(0, at + length);
      tone.connect(gain).connect(audio.destination);
      tone.start(at);
      tone.stop(at + length + 0.02);
    }
  }
  draw() {
    const muted = this.on && Date.now() < this.mutedUntil;
    const sounds = this.on && this.audio?.state === "running";
    const show = (selector, yes) => this.querySelectorAll(selector).forEach((element) => (element.hidden = !yes));
    show(".sound-off", !sounds && !muted);
    show(".sound-on", sounds && !muted);
    show(".sound-muted", muted);
    show("[data-sound=on]", !this.on);
    show("[data-sound=off], [data-sound=new], [data-sound=warning], [data-sound=overdue], .menu-line", this.on);
    show("[data-sound=mute]", this.on && !muted);
    show("[data-sound=unmute]", muted);
    if (!muted) return;
    const time = new Intl.DateTimeFormat("en-GB", { timeZone: this.dataset.zone, hour: "2-digit", minute: "2-digit" });
    this.querySelector(".sound-until").textContent = this.dataset.muted.replace("{time}", time.format(this.mutedUntil));
  }
}

function remembered(name) {
  try {
    return localStorage.getItem(`board-${name}`);
  } catch {
    return null; // storage is shut off on this device: nothing is remembered
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`board-${name}`, value);
  } catch {
    // as above
  }
}

customElements.define("alarm-sound", AlarmSound);
