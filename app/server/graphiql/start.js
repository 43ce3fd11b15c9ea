// Mounts GraphiQL. Everything it keeps (tabs, history, headers) and the API key live in this page's memory: nothing is
// written to local storage, session storage, cookies or any other place that outlives the page.
"use strict";

// GraphiQL's dialogs make a <style> element to hold back scrolling, and give it this nonce.
window.__webpack_nonce__ = document.currentScript.nonce;

(() => {
  const hint = document.getElementById("hint");
  const input = document.getElementById("key");
  const show = document.getElementById("show");
  const ordinaryHint = hint.textContent;
  const explorer = document.getElementById("explorer");
  const root = ReactDOM.createRoot(explorer);
  const kept = memory();
  const tabs = filledIn(JSON.parse(document.getElementById("tabs").textContent), location.hash);

  input.value = ""; // Some browsers put back what stood here before a reload.
  input.addEventListener("input", () => say(null));
  input.addEventListener("change", mount); // The schema may be readable now, or no longer.
  input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
  show.addEventListener("click", () => {
    const visible = input.type === "password";
    input.type = visible ? "text" : "password";
    show.textContent = visible ? "Hide" : "Show";
    show.setAttribute("aria-pressed", String(visible));
  });
  explorer.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("pagehide", () => (input.value = ""));
  mount();

  // A fetcher that GraphiQL has not seen makes it read the schema again, so every mount hands it a new one.
  function mount() {
    const fetcher = (operation, options) => ask(operation, options);
    root.render(
      React.createElement(
        GraphiQL,
        {
          fetcher,
          storage: kept,
          shouldPersistHeaders: false,
          defaultTabs: tabs,
          defaultEditorToolsVisibility: "variables",
          inputValueDeprecation: true,
          schemaDescription: true,
        },
        React.createElement(GraphiQL.Logo, null, React.createElement("span", { className: "logo" }, "GraphiQL")),
      ),
    );
  }

  // A header typed into the headers editor wins over the key above.
  async function ask(operation, options) {
    const headers = new Headers(options?.headers);
    const key = input.value.trim();
    if (/[^\x21-\x7e]/.test(key)) {
      say("This is not a whole key: copy it again.");
      throw new Error("The API key has a character that no key has.");
    }
    headers.set("Content-Type", "application/json");
    headers.set("Accept", "application/graphql-response+json, application/json;q=0.9");
    if (key && !headers.has("Authorization")) headers.set("Authorization", `Bearer ${key}`);
    if (isSubscription(operation)) return listen(current(operation), headers.get("Authorization"));
    const response = await fetch(location.pathname, {
      method: "POST",
      headers,
      body: JSON.stringify(current(operation)),
      credentials: "omit",
      cache: "no-store",
    });
    const answer = await response.json().catch(() => {
      throw new Error(`The server answered ${response.status} ${response.statusText}, without JSON.`);
    });
    const refused =
      response.status === 401 || answer?.errors?.some((error) => error.extensions?.code === "UNAUTHENTICATED");
    if (!refused) say(null);
    else if (key) say("The server does not accept this key: wrong, expired or revoked.");
    else say("An API key is needed: paste one here, then run it again.");
    return answer;
  }

  // Read off the text: for a moment after a change of tabs GraphiQL hands on the name and the document of the tab before.
  function operationsOf(query) {
    try {
      return GraphiQL.GraphQL.parse(query).definitions.filter(({ kind }) => kind === "OperationDefinition");
    } catch {
      return []; // the server says what is wrong with it
    }
  }

  function isSubscription({ query, operationName }) {
    const all = operationsOf(query);
    return (all.find(({ name }) => name?.value === operationName) ?? all[0])?.operation === "subscription";
  }

  // A subscription has a WebSocket of its own (graphql-transport-ws), and ends with it.
  function listen(operation, authorization) {
    const address = new URL(location.pathname, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const subscribe = (observer) => {
      const socket = new WebSocket(address, "graphql-transport-ws");
      const tell = (message) => socket.send(JSON.stringify(message));
      socket.onopen = () => tell({ type: "connection_init", payload: authorization ? { authorization } : {} });
      socket.onmessage = ({ data }) => {
        const { type, payload } = JSON.parse(data);
        if (type === "connection_ack") {
          say(null);
          tell({ type: "subscribe", id: "1", payload: operation });
        } else if (type === "ping") tell({ type: "pong" });
        else if (type === "next") observer.next(payload);
        else if (type === "error") observer.next({ errors: payload });
        if (type === "error" || type === "complete") socket.close(1000);
      };
      socket.onclose = ({ code, reason }) => {
        if (code === 4401) say("An API key is needed that the server accepts: paste one here, then run it again.");
        if (code === 1000) observer.complete();
        else observer.error(new Error(`The server has closed the connection: ${reason || code}.`));
      };
      return { unsubscribe: () => socket.close(1000) };
    };
    return { subscribe };
  }

  // One operation needs no name, and a name that is none of them would be refused.
  function current({ operationName, ...operation }) {
    const isThere = operationsOf(operation.query).some(({ name }) => name?.value === operationName);
    return isThere ? { ...operation, operationName } : operation;
  }

  function say(problem) {
    hint.textContent = problem ?? ordinaryHint;
    hint.classList.toggle("problem", problem !== null);
    input.toggleAttribute("aria-invalid", problem !== null);
  }

  // What GraphiQL would otherwise keep in local storage.
  function memory() {
    const values = new Map();
    return {
      get length() {
        return values.size;
      },
      getItem: (name) => values.get(name) ?? null,
      setItem: (name, value) => values.set(name, value),
      removeItem: (name) => values.delete(name),
      clear: () => values.clear(),
    };
  }

  // `/graphql#accountId=AC…&bucketName=…` fills the examples in. No secret: a browser remembers its addresses.
  function filledIn(examples, fragment) {
    const given = new URLSearchParams(fragment.slice(1));
    const names = ["bucketVendor", "endpointUrl", "bucketName", "region", "accessKeyId"];
    const examplesOf = { AC: "accountId", SP: "serviceProviderId", CA: "callId", US: "ownerId" };
    const ids = Object.fromEntries(Object.entries(examplesOf).map(([kind, name]) => [kind + "0".repeat(32), name]));
    const fill = (name, value) => {
      // The address of whoever logs in; that of the example for somebody new is free.
      const source = ids[value] ?? (names.includes(name) ? name : value === "you@example.com" ? "email" : undefined);
      return source !== undefined && given.has(source) ? given.get(source) : value;
    };
    return examples.map((example) => {
      if (!example.variables) return example;
      const filled = JSON.stringify(JSON.parse(example.variables, fill), null, 2);
      const isAsItWas = filled === JSON.stringify(JSON.parse(example.variables), null, 2);
      return isAsItWas ? example : { ...example, variables: filled };
    });
  }
})();
