/* Taps: every action form is sent once, says that it is being sent, and can be sent again after a cut.

   - A form gets its Idempotency-Key when it is first sent; the key stays until the server has answered, so that a second
     try after a cut is the same tap. A form that was replaced, or answered, gets a new key.
   - A tap on a form that is being sent, or was answered less than 600 ms ago, is ignored. So is a tap on a primary button,
     or in a form with data-place, whose action changed less than 600 ms ago: a double tap on "Call next" never becomes
     "Start", one on "water" never takes it back.
   - No answer: the form keeps its key and says so. Nothing stays disabled.
   - A form in a fold ([popover]) closes it once it is carried out; data-resets empties a form that stays on the page.
     While a finger is down, document.body has the class is-touched: live-screen.js swaps nothing under a finger.

   The words come from data attributes of the body (data-word-sending, -not-sent, -not-allowed, -gone).
   htmx 2 (events: htmx.org/events): configRequest, beforeRequest, afterRequest, sendError, timeout. */
"use strict";

(() => {
  const GUARD = 600; // milliseconds
  const SAID = 15000; // for so long the words of an answer stay; data-stays: until the next ones
  const keys = new WeakMap(); // form → {key, sent} of the tap that has no answer yet
  const answeredForms = new WeakMap(); // form → when it was answered
  const answeredTaps = new Map(); // what was sent → when it was answered: the form may have been replaced since
  const places = new Map(); // place of a button → {action, since}

  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const words = (name) => document.body.getAttribute(`data-word-${name}`) ?? "";
  const formOf = (element) => (element instanceof Element ? element.closest("form[hx-post]") : null);
  const content = (form) => `${form.getAttribute("hx-post")}?${new URLSearchParams(new FormData(form))}`;
  const recent = (since) => since !== undefined && performance.now() - since < GUARD;
  const buttonOf = (form, submitter) => submitter ?? form.querySelector("button:not([type=button]), [type=submit]");

  const placeOf = (form) => form.getAttribute("data-place") ?? (form.querySelector(".button-primary") && (form.closest("[id]")?.id ?? ""));

  /* What the button of each place does, and since when. */
  const look = () => {
    for (const form of document.querySelectorAll("form[hx-post]")) {
      const place = placeOf(form);
      if (place === null) continue;
      const known = places.get(place);
      const action = form.getAttribute("hx-post");
      if (known?.action !== action) places.set(place, { action, since: known ? performance.now() : undefined });
    }
  };

  const ignored = (form) =>
    form.hasAttribute("aria-busy") ||
    recent(answeredForms.get(form)) ||
    recent(answeredTaps.get(content(form))) ||
    recent(places.get(placeOf(form))?.since);

  /* Capture, before htmx: an ignored tap does nothing at all. */
  document.addEventListener(
    "submit",
    (event) => {
      const form = formOf(event.target);
      if (form && ignored(form)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    true,
  );

  document.addEventListener("htmx:configRequest", (event) => {
    const form = formOf(event.detail.elt);
    if (!form || event.detail.verb === "get") return;
    const sent = String(new URLSearchParams(event.detail.formData)); // another choice in the same form is another tap
    if (keys.get(form)?.sent !== sent) keys.set(form, { key: newKey(), sent });
    event.detail.headers["Idempotency-Key"] = keys.get(form).key;
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { target } = event.detail;
    if (target?.id === "fold-body") target.replaceChildren(); // what was in the fold before is not shown again
    const form = formOf(event.detail.elt);
    if (!form) return;
    for (const said of document.querySelectorAll("[role=alert].said:not([data-stays])")) said.replaceChildren();
    const button = buttonOf(form, event.detail.requestConfig?.triggeringEvent?.submitter);
    form.setAttribute("aria-busy", "true");
    button?.classList.remove("button-failed");
    button?.classList.add("button-sending");
    button?.setAttribute("data-say", words("sending"));
    event.detail.xhr.hallTap = { form, button, content: content(form) };
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const tap = event.detail.xhr?.hallTap;
    if (event.detail.target?.id === "fold-body" && event.detail.failed) failed(event.detail.target, null, words("not-sent"));
    if (!tap) return;
    const { status } = event.detail.xhr;
    tap.form.removeAttribute("aria-busy");
    tap.button?.classList.remove("button-sending");
    tap.button?.removeAttribute("data-say");
    if (status === 0 || status >= 500) {
      failed(event.detail.target, tap.button, words("not-sent")); // the key stays: the next tap is the same tap
      return;
    }
    keys.delete(tap.form);
    answeredForms.set(tap.form, performance.now());
    for (const [sent, since] of answeredTaps) if (!recent(since)) answeredTaps.delete(sent);
    answeredTaps.set(tap.content, performance.now());
    const fold = tap.form.closest("[popover]:popover-open");
    const said = event.detail.target; // where the words went: behind the fold, or in it
    if (fold && (status < 300 || (status === 409 && !fold.contains(said)))) fold.hidePopover();
    if (status < 300) {
      if (tap.form.hasAttribute("data-resets")) tap.form.reset();
    } else if (status === 403) {
      failed(event.detail.target, tap.button, words("not-allowed"));
    } else if (status !== 401 && status !== 409 && status !== 422) {
      failed(event.detail.target, tap.button, words("gone"));
    }
  });

  const failed = (target, button, text) => {
    button?.classList.add("button-failed");
    const said = target?.isConnected && target.matches("[role=alert], #fold-body") ? target : document.querySelector("[role=alert].said");
    const line = Object.assign(document.createElement("p"), { className: "refusal", textContent: text });
    said?.replaceChildren(line);
  };

  /* What was said goes away by itself: it lies over the screen. */
  document.addEventListener("htmx:afterSwap", (event) => {
    const said = event.detail.target;
    const words = said?.firstElementChild;
    if (words && said.matches("[role=alert].said:not([data-stays])")) setTimeout(() => words.remove(), SAID);
  });

  /* A finger that is down keeps its button: live-screen.js waits until it is up. */
  const touched = (yes) => document.body.classList.toggle("is-touched", yes);
  document.addEventListener("pointerdown", () => touched(true), true);
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(touched, 0, false), true);

  const begin = () => {
    if (window.htmx && !window.htmx.config.timeout) window.htmx.config.timeout = 10000; // a cut line says so within 10 s
    look();
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
