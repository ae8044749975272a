// Signing up and logging in.
import { useState } from "preact/hooks";

import { auth, begin, farewell } from "./calls.js";
import { useCell } from "./cell.js";
import { Choice, Field, Form } from "./parts/form.js";
import { Page } from "./parts/page.js";
import { go } from "./route.js";

/** How this session is listed. */
function label(): string {
  const name = /(Firefox|Edg|Chrome|Safari)\//.exec(navigator.userAgent)?.[1] ?? "a browser";
  return `Console in ${name.replace("Edg", "Edge")}`;
}

/** Logs in, or returns the challenge of the second factor. */
async function logIn(email: string, password: string): Promise<string | undefined> {
  const { result, user } = await auth.logIn({ email, password, clientLabel: label() });
  if (result.case === "mfaChallenge") return result.value.id;
  if (result.case === "tokens") begin(result.value, user);
  return undefined;
}

export function SignUp() {
  return (
    <Page title="Sign up">
      <Form
        action="Sign up"
        onSend={async ({ email = "", password = "", displayName = "" }) => {
          await auth.signUp({ email, password, displayName, requestId: crypto.randomUUID() });
          await logIn(email, password);
          go("contacts");
        }}
      >
        <Field label="Name" name="displayName" autocomplete="name" />
        <Field label="E-mail" name="email" inputMode="email" autocomplete="username" required />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="new-password"
          required
          minLength={12}
          hint="At least 12 characters. A sentence is good."
        />
      </Form>
      <p>
        You have an account? <a href="#/login">Log in</a>
      </p>
    </Page>
  );
}

export function LogIn() {
  const why = useCell(farewell);
  const [challenge, setChallenge] = useState<string>();
  if (challenge !== undefined) return <SecondFactor challenge={challenge} onLeave={() => setChallenge(undefined)} />;
  return (
    <Page title="Log in">
      {why && <p role="status">{why}</p>}
      <Form
        action="Log in"
        onSend={async ({ email = "", password = "" }) => setChallenge(await logIn(email, password))}
      >
        <Field label="E-mail" name="email" inputMode="email" autocomplete="username" required />
        <Field label="Password" name="password" type="password" autocomplete="current-password" required />
      </Form>
      <p>
        No account yet? <a href="#/signup">Sign up</a>
      </p>
      <p>
        <a href="#/reset-password">Forgot the password?</a>
      </p>
      <p>
        <a href="#/verify-email">Verify an e-mail address</a>
      </p>
    </Page>
  );
}

function SecondFactor({ challenge, onLeave }: { challenge: string; onLeave: () => void }) {
  const [method, setMethod] = useState<"totpCode" | "recoveryCode">("totpCode");
  return (
    <Page title="Second factor">
      <Form
        action="Log in"
        more={
          <button type="button" onClick={onLeave}>
            Back
          </button>
        }
        onSend={async ({ code = "" }) => {
          const answer = await auth.completeMfa({ challengeId: challenge, code: { case: method, value: code } });
          begin(answer.tokens, answer.user);
        }}
      >
        <Choice
          label="Proof"
          value={method}
          onValue={setMethod}
          options={[
            ["totpCode", "Code of the authenticator app"],
            ["recoveryCode", "Recovery code"],
          ]}
        />
        <Field label="Code" name="code" autocomplete="one-time-code" required />
      </Form>
    </Page>
  );
}

/** Asks for a mail, and takes the token in it. */
export function ResetPassword({ token }: { token: string }) {
  const [isSent, setSent] = useState(token !== "");
  const [isDone, setDone] = useState(false);
  return (
    <Page title="New password">
      {isDone ? (
        <p role="status">The password is changed. Every session has ended.</p>
      ) : isSent ? (
        <Form
          action="Change the password"
          onSend={async ({ mailed = "", password = "" }) => {
            await auth.resetPassword({ token: mailed, newPassword: password });
            setDone(true);
          }}
        >
          <Field label="Token from the mail" name="mailed" defaultValue={token} required autocomplete="off" />
          <Field
            label="New password"
            name="password"
            type="password"
            autocomplete="new-password"
            required
            minLength={12}
          />
        </Form>
      ) : (
        <Form
          action="Send a mail"
          onSend={async ({ email = "" }) => {
            await auth.requestPasswordReset({ email });
            setSent(true);
          }}
        >
          <Field label="E-mail" name="email" inputMode="email" autocomplete="username" required />
        </Form>
      )}
      <p>
        <a href="#/login">Log in</a>
      </p>
    </Page>
  );
}

/** Takes the token of a mail. The password shows that it is the same person who signed up. */
export function VerifyEmail({ token }: { token: string }) {
  const [isDone, setDone] = useState(false);
  return (
    <Page title="Verify the e-mail address">
      {isDone ? (
        <p role="status">The e-mail address is verified.</p>
      ) : (
        <Form
          action="Verify"
          onSend={async ({ mailed = "", currentPassword = "" }) => {
            await auth.verifyEmail({ token: mailed.trim(), currentPassword });
            setDone(true);
          }}
        >
          <Field label="Token from the mail" name="mailed" defaultValue={token} required autocomplete="off" />
          <Field label="Password" name="currentPassword" type="password" required autocomplete="current-password" />
        </Form>
      )}
      <p>
        <a href="#/login">Log in</a>
      </p>
    </Page>
  );
}
