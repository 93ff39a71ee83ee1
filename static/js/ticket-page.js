// A ticket's page asks for itself every few seconds (htmx). Here: the phone vibrates at a new call or recall if it may, the
// tab's title says where to go, and a cut line is said, not hidden.

const VIBRATION = [400, 200, 400, 200, 400]; // milliseconds on, off, …

let called = document.getElementById("ticket")?.dataset.call ?? "";
const plainTitle = document.title.split(" · ").slice(1).join(" · ");

function look() {
  const ticket = document.getElementById("ticket");
  if (!ticket) return;
  document.title = `${ticket.dataset.title} · ${plainTitle}`;
  const call = ticket.dataset.call;
  // Chrome refuses it, and complains, on a page that was never touched.
  if (call && call !== called && navigator.vibrate && navigator.userActivation?.hasBeenActive !== false) navigator.vibrate(VIBRATION);
  called = call;
}

function say(state) {
  document.body.classList.toggle("is-frozen", state === "cut");
  for (const line of document.querySelectorAll("[data-fresh]")) line.hidden = line.dataset.fresh !== state;
}

document.addEventListener("htmx:afterSettle", look);
document.addEventListener("htmx:beforeSwap", () => document.querySelector(".said")?.replaceChildren());
document.addEventListener("htmx:afterRequest", (event) => say(event.detail.xhr.status === 0 || event.detail.xhr.status >= 500 ? "cut" : "live"));
document.addEventListener("visibilitychange", () => {
  const ticket = document.getElementById("ticket");
  if (!document.hidden && ticket) htmx.ajax("GET", ticket.getAttribute("hx-get"), { target: ticket, swap: "outerHTML" });
});
look();
