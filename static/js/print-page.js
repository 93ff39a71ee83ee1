/* The print button of the ticket's print view, and printing by itself when the address ends in #print. */
"use strict";

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
if (location.hash === "#print") window.addEventListener("load", () => window.print());
