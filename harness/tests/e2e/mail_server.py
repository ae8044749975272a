"""Takes mail by SMTP, and prints its port, then what it hears: a line of JSON for
each password and each mail."""

import argparse
import asyncio
import json
import logging
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

# Connections that fail are what is tested.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--tls", choices=["none", "starttls", "implicit"], required=True)
parser.add_argument("--certificate", help="NAME of NAME.crt and NAME.key")
parser.add_argument("--user", help="who may send mail")
parser.add_argument("--password")
args = parser.parse_args()


def tell(**what):
    print(json.dumps(what), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    user, password = data.login.decode(), data.password.decode()
    tell(password=password)
    is_right = (user, password) == (args.user, args.password)
    # `handled` would mean that the refusal was sent here.
    return AuthResult(success=is_right, handled=False, auth_data=user)


class Printer:
    async def handle_DATA(self, server, session, envelope):
        tell(
            mail=envelope.content.decode(),
            to=envelope.rcpt_tos,
            is_encrypted=server.transport.get_extra_info("sslcontext") is not None,
            user=session.auth_data,
        )
        return "250 taken"


async def main():
    context = None
    if args.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{args.certificate}.crt", f"{args.certificate}.key")
    def serve():
        return SMTP(
            Printer(),
            hostname="mail.example.com",
            tls_context=context if args.tls == "starttls" else None,
            require_starttls=args.tls == "starttls",
            authenticator=authenticate,
            auth_required=args.user is not None,
            # aiosmtpd knows of no other TLS.
            auth_require_tls=args.tls == "starttls",
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        serve, "127.0.0.1", args.port, ssl=context if args.tls == "implicit" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
