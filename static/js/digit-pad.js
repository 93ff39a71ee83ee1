// <digit-pad most="6">: big keys that type into the one input inside. The keyboard works as well; without script the input alone does.

class DigitPad extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => this.tap(event));
  }

  tap(event) {
    const key = event.target.closest("button");
    const input = this.querySelector("input");
    if (!key || !input) return;
    if ("digit" in key.dataset) input.value = (input.value + key.dataset.digit).slice(0, Number(this.getAttribute("most")));
    else if ("back" in key.dataset) input.value = input.value.slice(0, -1);
    else if ("clear" in key.dataset) input.value = "";
  }
}

customElements.define("digit-pad", DigitPad);
