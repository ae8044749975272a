// Makes any call of both services, as a form or in JSON.
import { type DescMethod, type DescService, type FileRegistry, fromJson, toJson } from "@bufbuild/protobuf";
import { createConnectTransport } from "@connectrpc/connect-web";
import { useEffect, useRef, useState } from "preact/hooks";

import { adminToken, servers, token } from "../calls.js";
import { describe, isAborted } from "../errors.js";
import { exchange } from "../exchange.js";
import { Choice, Problems } from "../parts/form.js";
import { Show, useLoaded } from "../parts/load.js";
import { Page } from "../parts/page.js";
import { type JsonObject, MessageInputs } from "./inputs.js";
import { tracing } from "../trace.js";
import { reflect } from "./reflection.js";

/** How much of the end of a stream is shown, in messages. */
const SHOWN_MAX = 200;

interface Served {
  server: string;
  service: DescService;
  registry: FileRegistry;
}

async function allServices(): Promise<Served[]> {
  const origins = [servers.auth, servers.contacts];
  const found = await Promise.all(origins.map(reflect));
  return found.flatMap(({ names, registry }, at) =>
    names.flatMap((name) => {
      const service = registry.getService(name);
      return service ? [{ server: origins[at] ?? "", service, registry }] : [];
    }),
  );
}

export function Explorer() {
  const loaded = useLoaded(allServices, []);
  return (
    <Page title="Explorer">
      <p class="hint">Calls are made with your access token. What they change is changed.</p>
      <Show of={loaded}>{(all) => <Chooser all={all} />}</Show>
    </Page>
  );
}

function Chooser({ all }: { all: Served[] }) {
  const [url, setUrl] = useState(`${servers.auth}/addressbook.auth.v1.AccountService/GetMe`);
  const methods = all.flatMap((served) => served.service.methods.map((method) => ({ served, method })));
  const options = methods.map((one) => [urlOf(one), `${one.method.parent.name}/${one.method.name}`] as const);
  const chosen = methods.find((one) => urlOf(one) === url);
  return (
    <>
      <Choice label="Method" value={url} onValue={setUrl} options={options} />
      {chosen && <Caller key={url} served={chosen.served} method={chosen.method} />}
    </>
  );
}

function urlOf({ served: { server }, method: { parent, name } }: { served: Served; method: DescMethod }): string {
  return `${server}/${parent.typeName}/${name}`;
}

/** Such as "one request, many responses". */
function served({ methodKind }: DescMethod): string {
  const texts = {
    unary: "one request, one response",
    server_streaming: "one request, a stream of responses",
    client_streaming: "a stream of requests, one response",
    bidi_streaming: "a stream of requests, a stream of responses",
  };
  return texts[methodKind];
}

interface Call {
  served: Served;
  method: DescMethod;
  /** JSON: a request, or an array of requests. */
  text: string;
  isAdmin: boolean;
  signal: AbortSignal;
  onMessage: (text: string) => void;
}

async function call({ served: from, method, text, isAdmin, signal, onMessage }: Call): Promise<void> {
  const { server, registry } = from;
  const bearer = isAdmin ? await adminToken() : await token();
  const json = JSON.parse(text || "{}") as JsonObject | JsonObject[];
  if (method.methodKind === "unary") {
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const message = fromJson(method.input, json as JsonObject, { registry });
    const transport = createConnectTransport({ baseUrl: server, interceptors: [tracing] });
    const response = await transport.unary(
      method as DescMethod & { methodKind: "unary" },
      signal,
      60_000,
      headers,
      message,
    );
    onMessage(JSON.stringify(toJson(method.output, response.message, { registry }), null, 2));
    return;
  }
  const requests = Array.isArray(json) ? json : [json];
  // Checked before they are sent.
  const checked = requests.map((request) =>
    toJson(method.input, fromJson(method.input, request, { registry }), { registry }),
  );
  await exchange({
    url: urlOf({ served: from, method }),
    form: "json",
    token: bearer,
    messages: checked.map((request) => new TextEncoder().encode(JSON.stringify(request))),
    signal,
    onMessage: (message) => onMessage(JSON.stringify(JSON.parse(new TextDecoder().decode(message)), null, 2)),
  });
}

function Caller({ served: from, method }: { served: Served; method: DescMethod }) {
  const takesMany = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const [value, setValue] = useState<JsonObject>({});
  const [text, setText] = useState(takesMany ? "[{}]" : "{}");
  const [isForm, setForm] = useState(!takesMany);
  const [isAdmin, setAdmin] = useState(false);
  const [responses, setResponses] = useState<string[]>([]);
  const [problems, setProblems] = useState<string[]>([]);
  const [status, setStatus] = useState("");
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const edit = (value: JsonObject) => {
    setValue(value);
    setText(JSON.stringify(value, null, 2));
  };
  const editText = (text: string) => {
    setText(text);
    try {
      setValue(JSON.parse(text) as JsonObject);
    } catch {
      // It is not complete yet.
    }
  };
  const send = async (event: Event) => {
    event.preventDefault();
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setResponses([]);
    setProblems([]);
    setStatus("Waiting…");
    const began = performance.now();
    try {
      const onMessage = (text: string) => setResponses((all) => [...all.slice(1 - SHOWN_MAX), text]);
      await call({ served: from, method, text, isAdmin, signal: controller.signal, onMessage });
      setStatus(`OK after ${Math.round(performance.now() - began)} ms`);
    } catch (error) {
      setStatus(isAborted(error) ? "Ended." : "Failed.");
      if (!isAborted(error)) setProblems(error instanceof SyntaxError ? [error.message] : describe(error));
    }
  };
  return (
    <>
      <p class="hint">
        {method.parent.typeName}/{method.name}: {served(method)}.
      </p>
      <form onSubmit={send}>
        {!takesMany && (
          <button type="button" aria-pressed={!isForm} onClick={() => setForm(!isForm)}>
            JSON
          </button>
        )}
        {isForm ? (
          <div class="message">
            <MessageInputs message={method.input} value={value} onValue={edit} />
          </div>
        ) : (
          <div class="field">
            <label for="request">{takesMany ? "Requests, an array" : "Request"}</label>
            <textarea
              id="request"
              class="code"
              rows={10}
              spellcheck={false}
              value={text}
              onInput={(event) => editText(event.currentTarget.value)}
            />
          </div>
        )}
        {method.parent.name === "AdminService" && (
          <label class="check">
            <input type="checkbox" checked={isAdmin} onChange={(event) => setAdmin(event.currentTarget.checked)} />
            As an administrator (scope auth.admin)
          </label>
        )}
        <div class="buttons">
          <button class="primary">Send</button>
          <button type="button" onClick={() => running.current?.abort()}>
            End the call
          </button>
        </div>
      </form>
      <p role="status">{status}</p>
      <Problems of={problems} />
      {responses.length > 0 && (
        <pre tabIndex={0} role="region" aria-label="Response">
          {responses.join("\n")}
        </pre>
      )}
    </>
  );
}
