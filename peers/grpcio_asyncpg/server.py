# Python grpcio (grpc.aio) + asyncpg + PyJWT. Run: python server.py PORT   (PROCS=2 forks SO_REUSEPORT workers)
import asyncio, os, sys, uuid, datetime as dt
sys.path.insert(0, os.path.dirname(__file__))
PROCS = int(os.environ.get('PROCS', '1'))
for _ in range(PROCS - 1):
    if os.fork() == 0: break
import grpc, asyncpg, jwt
import contacts_pb2 as pb, contacts_pb2_grpc as g
from google.protobuf.timestamp_pb2 import Timestamp
KEY = open(os.environ.get('HSKEY', 'hs.key'), 'rb').read()
COLS = 'id, given_name, family_name, email, phone, birthday, notes, version, created_at, updated_at'
def ts(t):
    x = Timestamp(); x.FromDatetime(t.astimezone(dt.timezone.utc).replace(tzinfo=None)); return x
def to(r): return pb.Contact(id=str(r[0]), given_name=r[1], family_name=r[2], email=r[3] or '', phone=r[4] or '', birthday=r[5].isoformat() if r[5] else '', notes=r[6], etag=str(r[7]), created_at=ts(r[8]), updated_at=ts(r[9]))
class Svc(g.ContactsServiceServicer):
    async def owner(self, ctx):
        try:
            m = dict(ctx.invocation_metadata())
            return uuid.UUID(jwt.decode(m['authorization'][7:], KEY, algorithms=['HS256'], audience='contacts', issuer='https://auth.example')['sub'])
        except Exception: await ctx.abort(grpc.StatusCode.UNAUTHENTICATED, 'token')
    async def GetContact(self, r, ctx):
        o = await self.owner(ctx)
        x = await self.pool.fetchrow(f'select {COLS} from contacts where owner_id=$1 and id=$2', o, uuid.UUID(r.id))
        if x is None: await ctx.abort(grpc.StatusCode.NOT_FOUND, 'contact')
        return to(x)
    async def ListContacts(self, r, ctx):
        o = await self.owner(ctx)
        xs = await self.pool.fetch(f'select {COLS} from contacts where owner_id=$1 and id>$2 order by id limit $3', o, uuid.UUID(r.page_token) if r.page_token else uuid.UUID(int=0), r.page_size)
        return pb.ListContactsResponse(contacts=[to(x) for x in xs], next_page_token=str(xs[-1][0]) if len(xs) == r.page_size else '')
    async def CreateContact(self, r, ctx):
        o = await self.owner(ctx); c = r.contact
        x = await self.pool.fetchrow(f'insert into contacts(owner_id,id,given_name,family_name,email,phone,birthday,notes) values($1,$2,$3,$4,$5,$6,$7,$8) returning {COLS}', o, uuid.uuid4(), c.given_name, c.family_name, c.email, c.phone, dt.date.fromisoformat(c.birthday), c.notes)
        return to(x)
async def main():
    s = Svc(); n = int(os.environ.get('POOL', '8')); s.pool = await asyncpg.create_pool(min_size=n, max_size=n)
    srv = grpc.aio.server(options=[('grpc.so_reuseport', 1)]); g.add_ContactsServiceServicer_to_server(s, srv); srv.add_insecure_port(f'127.0.0.1:{sys.argv[1]}'); await srv.start(); print('ready', flush=True); await srv.wait_for_termination()
if os.environ.get('UVLOOP') == '1':
    import uvloop; uvloop.install()
asyncio.run(main())
