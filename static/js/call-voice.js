// <call-voice data-zh="…" data-en="…">: a chime, then the call in both languages, one after the other.
//
// What is called is [data-call-id] in the page, one key for every call and recall. Keys that are there when the page opens
// are known and stay silent, so a reload repeats nothing. New ones wait in a row: two calls within a second are both heard.
// A call that was taken back before its turn is left out.
//
// Browsers let a page sound only after a tap. The choice is kept on this device; a browser started with
// --autoplay-policy=no-user-gesture-required takes it up again by itself, others ask for one tap.

const MUTE = 10 * 60 * 1000; // milliseconds
const LONGEST_SPEECH = 12000; // milliseconds: a browser without voices may never say that it has ended
const CHIME = [[784, 0, 0.5], [587, 0.35, 0.8]]; // [frequency in Hz, start and length in seconds]
const CHIME_LENGTH = 1200; // milliseconds
const RATE = 0.9;

class CallVoice extends HTMLElement {
  connectedCallback() {
    this.known = new Set(this.shown().keys());
    this.row = [];
    this.volume = Number(remembered("volume")) || 8;
    this.on = remembered("sound") === "on";
    this.mutedUntil = 0;
    this.querySelector("input[type=range]").value = this.volume;
    this.addEventListener("click", (event) => this.choose(event.target.closest("button[data-voice]")?.dataset.voice));
    this.addEventListener("input", (event) => this.turn(event.target.value));
    this.watcher = new MutationObserver(() => this.compare());
    this.watcher.observe(document.body, { childList: true, subtree: true });
    if (this.on) this.audio = this.open();
    this.draw();
  }

  disconnectedCallback() {
    this.watcher.disconnect();
  }

  open() {
    const audio = new AudioContext();
    audio.addEventListener("statechange", () => this.draw());
    return audio;
  }

  get sounds() {
    return this.on && this.audio?.state === "running";
  }

  choose(what) {
    if (what === "on" || what === "again" || what === "test") {
      this.on = true;
      remember("sound", "on");
      this.audio ??= this.open();
      this.audio.resume().then(() => this.draw());
      this.row.push({ key: null, zh: this.dataset.zh, en: this.dataset.en });
      this.work();
    } else if (what === "off") {
      this.on = false;
      this.row = [];
      remember("sound", "off");
      window.speechSynthesis?.cancel();
    } else if (what === "mute") {
      this.mutedUntil = Date.now() + MUTE;
      this.unmuting = setTimeout(() => this.choose("unmute"), MUTE);
      window.speechSynthesis?.cancel();
    } else if (what === "unmute") {
      clearTimeout(this.unmuting);
      this.mutedUntil = 0;
    }
    this.draw();
  }

  turn(volume) {
    this.volume = Number(volume);
    remember("volume", volume);
  }

  // Key → element of everybody who is called now, the oldest call first.
  shown() {
    const found = [...document.querySelectorAll("[data-call-id]")].reverse();
    return new Map(found.map((element) => [element.dataset.callId, element]));
  }

  compare() {
    for (const [key, element] of this.shown()) {
      if (this.known.has(key)) continue;
      this.known.add(key);
      if (this.sounds) this.row.push({ key, zh: element.dataset.zh, en: element.dataset.en });
    }
    this.work();
  }

  async work() {
    if (this.working) return;
    this.working = true;
    while (this.row.length > 0) {
      const call = this.row.shift();
      if (call.key !== null && !this.shown().has(call.key)) continue;
      if (Date.now() < this.mutedUntil) continue;
      this.dataset.saying = call.key ?? "test";
      await this.chime();
      await this.speak(call.zh, "zh-CN");
      await this.speak(call.en, "en");
      this.dataset.said = [this.dataset.said, call.key ?? "test"].filter(Boolean).slice(-20).join(" ");
    }
    delete this.dataset.saying;
    this.working = false;
  }

  async chime() {
    const audio = this.audio;
    if (!audio) return;
    await Promise.race([audio.resume(), pause(500)]);
    for (const [frequency, start, length] of CHIME) {
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      const at = audio.currentTime + 0.03 + start;
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime((this.volume / 10) ** 2, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, at + length);
      tone.connect(gain).connect(audio.destination);
      tone.start(at);
      tone.stop(at + length + 0.02);
    }
    await pause(CHIME_LENGTH);
  }

  speak(text, language) {
    const synthesis = window.speechSynthesis;
    const voices = synthesis?.getVoices() ?? [];
    const voice = voices.find((each) => each.lang.replace("_", "-").toLowerCase().startsWith(language.toLowerCase())) ??
      voices.find((each) => each.lang.toLowerCase().startsWith(language.slice(0, 2)));
    if (!voice || !this.on) return Promise.resolve(); // this device has no such voice: the chime and the plate remain
    const said = new SpeechSynthesisUtterance(text);
    Object.assign(said, { voice, lang: voice.lang, rate: RATE, volume: this.volume / 10 });
    const ended = new Promise((resolve) => (said.onend = said.onerror = resolve));
    synthesis.speak(said);
    return Promise.race([ended, pause(LONGEST_SPEECH)]);
  }

  draw() {
    const muted = this.on && Date.now() < this.mutedUntil;
    const show = (name, yes) => (this.querySelector(`[data-voice=${name}]`).hidden = !yes);
    show("on", !this.on);
    show("again", this.on && !this.sounds);
    show("test", this.sounds && !muted);
    show("mute", this.sounds && !muted);
    show("volume", this.sounds && !muted);
    show("off", this.sounds);
    show("unmute", muted);
  }
}

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

function remembered(name) {
  try {
    return localStorage.getItem(`call-${name}`);
  } catch {
    return null; // storage is shut off on this device: nothing is remembered
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`call-${name}`, value);
  } catch {
    // the choice holds until the page is closed
  }
}

customElements.define("call-voice", CallVoice);
