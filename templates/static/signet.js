// Comfort only: every page works without this file. It shows a typed password, asks how strong a new one is, copies,
// downloads, prints, shows times in the reader's time zone, selects all rows of a list, closes toasts, offers the browser's color picker,
// previews a form as it is typed, crops a picture, asks the browser for passkeys, lets other ways to sign in
// follow the box of the password, and solves the puzzle of a form.
"use strict";

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  const show = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? button.dataset.hide : button.dataset.show;
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  // Password managers and autofill look at the type when the form leaves.
  input.form.addEventListener("submit", () => show(false));
}

for (const meter of document.querySelectorAll("[data-strength]")) {
  const input = document.getElementById(meter.dataset.strength);
  const bar = meter.querySelector(".bar");
  const told = meter.querySelector("p > span");
  let pause, question;

  const show = (answer) => {
    bar.hidden = told.hidden = !answer;
    if (!answer) return;
    meter.dataset.score = answer.score;
    // A screen reader says what changes: not the same word again.
    if (told.lastElementChild.textContent !== answer.word) told.lastElementChild.textContent = answer.word;
  };
  const ask = async () => {
    const { signal } = question = new AbortController();
    const body = new URLSearchParams({ password: input.value });
    for (const name of ["csrf_token", "email", "username", "name", "token"]) {
      const field = input.form.elements[name];
      if (field) body.set(name, field.value);
    }
    try {
      const answer = await fetch(meter.dataset.ask, { method: "POST", body, signal });
      show(answer.ok ? await answer.json() : null);
    } catch {
      if (!signal.aborted) show(null);
    }
  };
  const begin = () => {
    clearTimeout(pause);
    question?.abort();
    if (input.value) pause = setTimeout(ask, 400);
    else show(null);
  };
  meter.hidden = false;
  input.addEventListener("input", begin);
  begin(); // a browser may have kept what was typed
}

const { lang } = document.documentElement;
// With the digits of the rest of the page.
const localTime = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : `${lang}-u-nu-latn`, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[data-local]")) {
  time.textContent = localTime.format(new Date(time.dateTime));
}

for (const all of document.querySelectorAll("[data-select-all]")) {
  const boxes = all.form.querySelectorAll("tbody input[type=checkbox]");
  all.hidden = false;
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
}

// What was done is said once: not again after a reload, or at a bookmark of the page.
for (const toast of document.querySelectorAll(".toast")) {
  const close = toast.querySelector("[data-close]");
  close.hidden = false;
  close.addEventListener("click", () => toast.remove());
  const url = new URL(location);
  const told = ["asked", "changed", "created", "done", "ended", "off", "saved"].filter((name) => url.searchParams.has(name));
  for (const name of told) url.searchParams.delete(name);
  if (told.length) history.replaceState(null, "", url);
}

const textOf = (id) => {
  const element = document.getElementById(id);
  const items = element.querySelectorAll("li");
  return items.length ? Array.from(items, (item) => item.textContent.trim()).join("\n") : element.textContent.trim();
};

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(textOf(button.dataset.copy));
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

for (const button of document.querySelectorAll("[data-download]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([textOf(button.dataset.download) + "\n"], { type: "text/plain" }));
    link.download = button.dataset.filename;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const picker of document.querySelectorAll("[data-color]")) {
  const text = document.getElementById(picker.dataset.color);
  picker.hidden = false;
  picker.addEventListener("input", () => {
    text.value = picker.value;
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  text.addEventListener("input", () => { if (/^#[0-9a-f]{6}$/i.test(text.value)) picker.value = text.value; });
}

for (const form of document.querySelectorAll("form[data-preview]")) {
  const buttons = Array.from(form.elements).filter((element) => element.formTarget);
  let pause, question;

  const show = async (button, signal) => {
    const body = new FormData(form);
    body.set(button.name, button.value);
    try {
      const answer = await fetch(button.formAction, { method: "POST", body, signal, redirect: "manual" });
      if (answer.ok) document.getElementsByName(button.formTarget)[0].srcdoc = await answer.text();
    } catch {
      // The preview stays as it was.
    }
  };
  const refresh = () => {
    question?.abort();
    question = new AbortController();
    for (const button of buttons) show(button, question.signal);
  };
  for (const button of buttons) button.hidden = true;
  form.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(refresh, 300);
  });
}

for (const rows of document.querySelectorAll("[data-follow]")) {
  let newest = rows.querySelector("[data-place]")?.dataset.place ?? rows.dataset.place;
  const update = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(`${rows.dataset.follow}&${new URLSearchParams({ than: newest })}`, { redirect: "manual" });
        // The session has ended: show the sign-in page, not its content between the rows.
        if (answer.type === "opaqueredirect") return location.reload();
        if (!answer.ok) return;
        rows.insertAdjacentHTML("afterbegin", await answer.text());
        newest = rows.querySelector("[data-place]")?.dataset.place ?? newest;
      } catch {
        // The network is away: ask again.
      }
    }
    setTimeout(update, 3000);
  };
  setTimeout(update, 3000);
}

// How far a run has come. The page of one that ended has no such part: then all of it is shown anew.
for (const part of document.querySelectorAll("[data-live]")) {
  const update = async () => {
    if (!document.hidden) {
      try {
        const text = await (await fetch(location.href)).text();
        const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
        if (!found) return location.reload();
        part.replaceChildren(...found.childNodes);
      } catch {
        // The network is away: ask again.
      }
    }
    setTimeout(update, 3000);
  };
  setTimeout(update, 3000);
}

// The same numbers as `pictures.Crop`: the server cuts out what the canvas shows.
for (const crop of document.querySelectorAll("[data-crop]")) {
  const file = document.getElementById(crop.dataset.crop);
  const canvas = crop.querySelector("canvas");
  const { zoom, x, y } = file.form.elements;
  let picture = null;

  const side = () => Math.min(picture.width, picture.height) * 100 / zoom.value;
  const draw = () => {
    const left = (picture.width - side()) * x.value / 100;
    const top = (picture.height - side()) * y.value / 100;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, left, top, side(), side(), 0, 0, canvas.width, canvas.height);
  };
  const begin = async () => {
    [zoom.value, x.value, y.value] = [100, 50, 50];
    try {
      picture = await createImageBitmap(file.files[0]);
    } catch {
      picture = null; // the server says why
    }
    crop.hidden = !picture;
    if (picture) draw();
  };
  const drag = (event) => {
    if (!event.buttons) return;
    const pixels = side() / canvas.clientWidth;
    for (const [input, moved, size] of [[x, event.movementX, picture.width], [y, event.movementY, picture.height]]) {
      if (size > side()) input.value -= moved * pixels / (size - side()) * 100;
    }
    draw();
  };
  file.addEventListener("change", begin);
  for (const input of [zoom, x, y]) input.addEventListener("input", draw);
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", drag);
  if (file.files.length) begin(); // a browser may have kept the file
}

// A list on the page is searched while its form is typed into. The server has hidden what its search left out.
for (const form of document.querySelectorAll("form[data-filter]")) {
  const list = document.getElementById(form.dataset.filter);
  const items = list.querySelectorAll("[data-changed]");
  const texts = Array.from(items, (item) => `${item.textContent} ${item.closest("section").querySelector("h2").textContent}`.toLowerCase());
  const filter = () => {
    const words = form.elements.q.value.toLowerCase().split(/\s+/);
    let count = 0;
    items.forEach((item, at) => {
      const isWanted = words.every((word) => texts[at].includes(word)) && (item.dataset.changed || !form.elements.changed.checked);
      item.hidden = !isWanted;
      count += isWanted ? 1 : 0;
    });
    for (const section of list.querySelectorAll("section")) {
      const isEmpty = !section.querySelector("[data-changed]:not([hidden])");
      section.hidden = document.querySelector(`a[href="#${section.querySelector("h2").id}"]`).parentElement.hidden = isEmpty;
    }
    document.querySelector("[data-count]").textContent = count;
    document.querySelector("[data-nothing]").hidden = count > 0;
  };
  form.addEventListener("input", filter);
}

// What the browser can do with passkeys (WebAuthn Level 3 section 5.1.7). Older ones say less.
const capabilities = async () => {
  try {
    if (PublicKeyCredential.getClientCapabilities) return await PublicKeyCredential.getClientCapabilities();
    return { userVerifyingPlatformAuthenticator: await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable() };
  } catch {
    return {};
  }
};

// A form that posts what the browser answers for a passkey (WebAuthn Level 3). Browsers without them see the other ways.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const creates = form.dataset.passkey === "create";
  const read = creates ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (!window.PublicKeyCredential?.[read]) continue;
  const problem = form.querySelector(".error");
  let waiting;

  const optionsOf = async () => {
    if (form.dataset.question) return JSON.parse(form.dataset.question);
    const answer = await fetch(form.dataset.ask, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.json();
  };
  const ask = async (mediation, options) => {
    waiting?.abort();
    const { signal } = waiting = new AbortController();
    const publicKey = PublicKeyCredential[read](options ?? await optionsOf());
    const credential = await navigator.credentials[creates ? "create" : "get"]({ publicKey, signal, mediation });
    form.elements[form.dataset.field].value = JSON.stringify(credential);
    form.submit();
  };
  // The options last five minutes, and the page can be open for longer.
  const offer = () => {
    ask("conditional").catch(() => {});
    setTimeout(() => { if (document.visibilityState === "visible") offer(); }, 240_000);
  };

  form.hidden = false;
  form.parentElement.querySelector("[data-no-passkeys]")?.remove();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await ask();
    } catch (error) {
      problem.textContent = error.name === "InvalidStateError" ? problem.dataset.held : problem.dataset.failed;
      problem.hidden = false;
    }
  });
  if ("autofill" in form.dataset) {
    PublicKeyCredential.isConditionalMediationAvailable?.().then((can) => { if (can) offer(); });
  }
  if (form.dataset.upgrade) {
    capabilities().then(({ conditionalCreate }) => {
      if (conditionalCreate) ask("conditional", JSON.parse(form.dataset.upgrade)).catch(() => {});
    });
  }
}

// What devices should know of removed passkeys and of a new name (WebAuthn Level 3 section 5.1.10).
for (const { dataset } of document.querySelectorAll("[data-signals]")) {
  for (const [method, options] of Object.entries(JSON.parse(dataset.signals))) {
    window.PublicKeyCredential?.[method]?.(options).catch(() => {});
  }
}

// Whether this device can create passkeys: then the server offers one after the password. A browser that could only use
// a security key or a phone is not asked to.
for (const field of document.querySelectorAll("[data-can-create-passkeys]")) {
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) continue;
  capabilities().then(({ userVerifyingPlatformAuthenticator }) => {
    if (userVerifyingPlatformAuthenticator) field.value = "yes";
  });
}

// The other ways to sign in follow the box "Keep me signed in" beside the password.
const keep = document.querySelector("input#keep[type=checkbox]");
if (keep) {
  const follow = () => {
    for (const field of document.querySelectorAll("[data-keep]")) field.value = keep.checked ? "on" : "";
  };
  keep.addEventListener("change", follow);
  addEventListener("pageshow", follow); // a browser may have kept what was ticked
}

// Proof of work: the number below a limit that, after the salt, has this SHA-256. It is looked for while the form is
// filled in. Where it cannot be, the form is sent without, as without scripts.
for (const field of document.querySelectorAll("[data-proof]")) {
  const { salt, target, below, ticket } = JSON.parse(field.dataset.proof);
  const bytes = new TextEncoder();
  const isFound = async (number) => {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.encode(salt + number)));
    return hash.every((byte, at) => byte === parseInt(target.substr(2 * at, 2), 16));
  };
  const search = async () => {
    const together = 256; // as many at once, so that the page stays quick
    for (let from = 0; from < below; from += together) {
      const found = await Promise.all(Array.from({ length: together }, (_, more) => isFound(from + more)));
      if (found.includes(true)) return field.value = `${ticket}:${from + found.indexOf(true)}`;
    }
  };
  const solved = globalThis.crypto?.subtle ? search().catch(() => null) : Promise.resolve();
  let isOver = false;
  solved.then(() => { isOver = true; });
  field.form.addEventListener("submit", (event) => {
    if (isOver) return;
    event.preventDefault();
    const { submitter } = event;
    if (submitter) submitter.disabled = true;
    solved.then(() => {
      if (submitter) submitter.disabled = false;
      field.form.requestSubmit(submitter);
    });
  });
}
