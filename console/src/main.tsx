import { render } from "preact";

import { App } from "./app.js";
import { connect } from "./calls.js";
import "./live.js";
import "./style.css";

const place = document.getElementById("app");
if (place) {
  connect().then(
    () => {
      place.replaceChildren();
      render(<App />, place);
    },
    () => (place.textContent = "The console cannot be reached. Load the page again."),
  );
}
