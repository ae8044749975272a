// The account: its e-mail, second factor, password and sessions.
import { useState } from "preact/hooks";

import type { Session } from "../gen/addressbook/auth/v1/resources_pb.js";
import { account, ownAuth, replaceTokens, user } from "./calls.js";
import { useCell } from "./cell.js";
import { Field, Form } from "./parts/form.js";
import { Show, useLoaded } from "./parts/load.js";
import { attempt, say } from "./parts/notice.js";
import { Page, when } from "./parts/page.js";
import { QrCode } from "./parts/qr.js";

async function reload(): Promise<void> {
  user.value = (await account.getMe({})).user;
}

/** `account`, or `verify-email/TOKEN` from a mail. */
export function Account({ words: [mailed = ""] }: { words: string[] }) {
  const me = useCell(user);
  if (!me) return null;
  const rename = async ({ displayName = "" }: Record<string, string>) => {
    const changed = { displayName, etag: me.etag };
    user.value = (await account.updateMe({ user: changed, updateMask: { paths: ["display_name"] } })).user;
    say("The name is saved.");
  };
  return (
    <Page title="Account">
      <p>
        {me.email} {me.emailVerified ? "(verified)" : "(not verified)"}
      </p>
      <Form action="Save" class="line" onSend={rename}>
        <Field label="Name" name="displayName" defaultValue={me.displayName} maxLength={200} autocomplete="name" />
      </Form>
      {!me.emailVerified && <VerifyEmail email={me.email} mailed={mailed} />}
      <h2>Sessions</h2>
      <Sessions />
      <h2>Second factor</h2>
      <SecondFactor />
      <h2>Password</h2>
      <Password />
    </Page>
  );
}

function VerifyEmail({ email, mailed }: { email: string; mailed: string }) {
  const send = attempt(async () => {
    await ownAuth.sendEmailVerification({ email });
    say(`A mail to ${email} is on its way.`);
  });
  const verify = async ({ token = "" }: Record<string, string>) => {
    await ownAuth.verifyEmail({ token: token.trim() });
    await reload();
    say("The e-mail address is verified.");
  };
  return (
    <>
      <h2>Verify the e-mail address</h2>
      <Form
        action="Verify"
        onSend={verify}
        more={
          <button type="button" onClick={send}>
            Send another mail
          </button>
        }
      >
        <Field label="Token from the mail" name="token" defaultValue={mailed} required autocomplete="off" />
      </Form>
    </>
  );
}

function Sessions() {
  const loaded = useLoaded((signal) => account.listSessions({ pageSize: 100 }, { signal }), []);
  const endOthers = attempt(async () => {
    const { revokedCount } = await account.revokeOtherSessions({});
    say(`${revokedCount} sessions have ended.`);
    loaded.again();
  });
  return (
    <Show of={loaded}>
      {({ sessions }) => (
        <>
          <ul class="entries">
            {sessions.map((session) => (
              <Entry key={session.id} session={session} again={loaded.again} />
            ))}
          </ul>
          {sessions.length > 1 && <button onClick={endOthers}>End all others</button>}
        </>
      )}
    </Show>
  );
}

function Entry({ session, again }: { session: Session; again: () => void }) {
  const name = session.clientLabel || session.userAgent || "A program";
  const end = attempt(async () => {
    await account.revokeSession({ sessionId: session.id });
    again();
  });
  return (
    <li>
      <span class="grow">
        {name}
        <small class="hint">
          {" "}
          {session.ip}, since {when(session.createTime)}, last seen {when(session.lastSeenTime)}
        </small>
      </span>
      {session.current ? (
        <span class="hint">this one</span>
      ) : (
        <button class="danger" onClick={end} aria-label={`End this one: ${name}, since ${when(session.createTime)}`}>
          End this one
        </button>
      )}
    </li>
  );
}

function SecondFactor() {
  const me = useCell(user);
  const [secret, setSecret] = useState<{ secret: string; uri: string }>();
  const [codes, setCodes] = useState<string[]>([]);
  const enroll = async ({ currentPassword = "" }: Record<string, string>) => {
    const { secret, otpauthUri } = await account.enrollTotp({ currentPassword });
    setSecret({ secret, uri: otpauthUri });
  };
  const confirmCode = async ({ code = "" }: Record<string, string>) => {
    setCodes((await account.confirmTotp({ code })).recoveryCodes);
    setSecret(undefined);
    await reload();
  };
  const disable = async ({ currentPassword = "", code = "" }: Record<string, string>) => {
    await account.disableTotp({ currentPassword, code });
    setCodes([]);
    await reload();
    say("The second factor is disabled.");
  };
  if (codes.length > 0) return <RecoveryCodes codes={codes} />;
  if (me?.mfaEnabled) {
    return (
      <Form action="Disable" onSend={disable}>
        <p>A log-in needs a code of your authenticator app.</p>
        <Field label="Password" name="currentPassword" type="password" required autocomplete="current-password" />
        <Field label="Code" name="code" required autocomplete="one-time-code" />
      </Form>
    );
  }
  if (!me?.emailVerified) return <p class="hint">It needs a verified e-mail address.</p>;
  if (secret) {
    return (
      <Form key="confirm" action="Confirm" onSend={confirmCode}>
        <p>
          Scan this with your authenticator app, <a href={secret.uri}>open the app</a> on this device, or enter the
          secret: <code>{secret.secret}</code>
        </p>
        <QrCode text={secret.uri} label="QR code of the secret" />
        <Field label="Code of the app" name="code" required inputMode="numeric" autocomplete="one-time-code" />
      </Form>
    );
  }
  return (
    <Form key="enroll" action="Set up an authenticator app" onSend={enroll}>
      <Field label="Password" name="currentPassword" type="password" required autocomplete="current-password" />
    </Form>
  );
}

function RecoveryCodes({ codes }: { codes: string[] }) {
  return (
    <div role="status">
      <p>The second factor is enabled. Keep these codes: each is for one log-in without the app.</p>
      <ul class="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Password() {
  const change = async (values: Record<string, string>, form: HTMLFormElement) => {
    const { currentPassword = "", newPassword = "" } = values;
    replaceTokens((await account.changePassword({ currentPassword, newPassword })).tokens);
    form.reset();
    say("The password is changed.");
  };
  return (
    <Form action="Change the password" onSend={change}>
      <Field label="Current password" name="currentPassword" type="password" required autocomplete="current-password" />
      <Field
        label="New password"
        name="newPassword"
        type="password"
        required
        minLength={12}
        autocomplete="new-password"
      />
    </Form>
  );
}
