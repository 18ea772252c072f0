// Goes on to the app once every frame was loaded; one whose server does not answer holds nobody up for long.
"use strict";

const onward = () => location.replace(document.getElementById("onward").href);
addEventListener("load", onward);
setTimeout(onward, 5000);
