// @grpc/grpc-js + pg + fast-jwt. Run: node server.js PORT   (PROCS=2 uses cluster)
const cluster = require('cluster'); const PROCS = +(process.env.PROCS || 1);
if (PROCS > 1 && cluster.isPrimary) { cluster.schedulingPolicy = cluster.SCHED_RR; for (let i = 0; i < PROCS; i++) cluster.fork(); return; }
const grpc = require('@grpc/grpc-js'), loader = require('@grpc/proto-loader'), { Pool } = require('pg'), { createVerifier } = require('fast-jwt'), crypto = require('crypto'), fs = require('fs'), path = require('path');
const def = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, '../proto/contacts.proto'), { keepCase: true }));
const verify = createVerifier({ key: fs.readFileSync(process.env.HSKEY || 'hs.key'), algorithms: ['HS256'], allowedAud: 'contacts', allowedIss: 'https://auth.example', cache: false });
const types = require('pg').types; types.setTypeParser(1082, s => s);
const pool = new Pool({ max: +(process.env.POOL || 8) });
const COLS = 'id, given_name, family_name, email, phone, birthday, notes, version, created_at, updated_at';
const ts = d => { const ms = d.getTime(); return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 }; };
const to = r => ({ id: r.id, given_name: r.given_name, family_name: r.family_name, email: r.email || '', phone: r.phone || '', birthday: r.birthday || '', notes: r.notes, etag: r.version, created_at: ts(r.created_at), updated_at: ts(r.updated_at) });
const owner = call => verify(call.metadata.get('authorization')[0].slice(7)).sub;
const wrap = f => async (call, cb) => { let o; try { o = owner(call); } catch { return cb({ code: grpc.status.UNAUTHENTICATED }); } try { cb(null, await f(o, call.request)); } catch (e) { cb(e.code === 404 ? { code: grpc.status.NOT_FOUND } : { code: grpc.status.INTERNAL, message: String(e) }); } };
const impl = {
  GetContact: wrap(async (o, m) => { const r = await pool.query({ name: 'get', text: `select ${COLS} from contacts where owner_id=$1 and id=$2`, values: [o, m.id] }); if (!r.rows.length) throw { code: 404 }; return to(r.rows[0]); }),
  ListContacts: wrap(async (o, m) => { const n = m.page_size || 50; const r = await pool.query({ name: 'list', text: `select ${COLS} from contacts where owner_id=$1 and id>$2 order by id limit $3`, values: [o, m.page_token || '00000000-0000-0000-0000-000000000000', n] }); return { contacts: r.rows.map(to), next_page_token: r.rows.length === n ? r.rows[n - 1].id : '' }; }),
  CreateContact: wrap(async (o, m) => { const c = m.contact; const r = await pool.query({ name: 'ins', text: `insert into contacts(owner_id,id,given_name,family_name,email,phone,birthday,notes) values($1,$2,$3,$4,$5,$6,$7,$8) returning ${COLS}`, values: [o, crypto.randomUUID(), c.given_name, c.family_name, c.email, c.phone, c.birthday || null, c.notes] }); return to(r.rows[0]); }),
};
const s = new grpc.Server(); s.addService(def.perf.contacts.v1.ContactsService.service, impl);
s.bindAsync(`127.0.0.1:${process.argv[2]}`, grpc.ServerCredentials.createInsecure(), e => { if (e) throw e; console.log('ready'); });
