// The page: what is shown, and what the buttons do. Text only ever goes in as text.

import { SignIn } from "./sign_in.js";

const main = document.querySelector("main");
const signOut = document.querySelector("#sign-out");
const find = (selector) => main.querySelector(selector);

function show(template) {
  main.replaceChildren(document.querySelector(template).content.cloneNode(true));
  signOut.hidden = template === "#welcome";
}

function say(text) {
  const note = find(".note");
  note.hidden = !text;
  note.textContent = text;
}

function fill(table, claims) {
  table.replaceChildren(...Object.entries(claims).map(([name, value]) => {
    const row = document.createElement("tr");
    const [head, data] = [document.createElement("th"), document.createElement("td")];
    head.scope = "row";
    head.textContent = name;
    data.textContent = Array.isArray(value) ? value.join(", ") : String(value);
    row.append(head, data);
    return row;
  }));
}

function showWelcome(signIn, told) {
  show("#welcome");
  find(".issuer").textContent = signIn.config.issuer;
  find("#sign-in").addEventListener("click", () => signIn.begin());
  say(told);
}

async function showSignedIn(signIn, told) {
  const userinfo = await signIn.userinfo();
  show("#signed-in");
  find("h1").textContent = `Hello, ${userinfo.name ?? userinfo.email ?? userinfo.sub}`;
  find(".scope").textContent = signIn.scope;
  fill(find("#id-token"), signIn.claims);
  fill(find("#userinfo"), userinfo);
  find("#refresh").addEventListener("click", () => attempt(signIn, async () => {
    await signIn.refresh();
    await showSignedIn(signIn, "The tokens were refreshed.");
  }));
  find("#call-api").addEventListener("click", () => attempt(signIn, async () => {
    const answer = await signIn.call(`${signIn.config.api_url}/hello`);
    const body = await answer.json();
    say(`The API answered ${answer.status}: ${body.message ?? body.error_description ?? body.error}`);
  }));
  say(told);
}

// Whatever goes wrong, one can start again.
async function attempt(signIn, act) {
  try {
    await act();
  } catch (problem) {
    const told = problem.error === "access_denied" ? "You did not sign in. Nothing was shared." : problem.message;
    signIn.forget();
    showWelcome(signIn, told);
  }
}

const config = await (await fetch("/config.json")).json();
const signIn = await SignIn.discover(config);
signOut.addEventListener("click", () => signIn.end());
const { pathname, search } = location;
history.replaceState(null, "", "/"); // a code does not belong in the history
if (pathname === "/callback") {
  await attempt(signIn, async () => {
    await signIn.finish(new URLSearchParams(search));
    await showSignedIn(signIn);
  });
} else {
  showWelcome(signIn, pathname === "/signed-out" ? "You are signed out." : "");
}
