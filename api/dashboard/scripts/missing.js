// A path where nothing is: the way of a watt-hour goes on above it.

import { mountPage } from "./page.js";

await mountPage("missing");
