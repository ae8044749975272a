# FastAPI + SQLAlchemy 2 (sync ORM, psycopg2) + python-jose: the stack of the common tutorial. Run: uvicorn app:app --port 9102 --workers 2
import os, uuid, datetime as dt
from jose import jwt
from fastapi import FastAPI, Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine, select, String, Date, BigInteger, DateTime, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker, Session as S
KEY = open(os.environ.get('HSKEY', 'hs.key'), 'rb').read()
engine = create_engine('postgresql+psycopg2://', pool_size=int(os.environ.get('POOL', '8')), max_overflow=0)
Session = sessionmaker(engine, autoflush=False, expire_on_commit=False)
class Base(DeclarativeBase): pass
class Contact(Base):
    __tablename__ = 'contacts'
    owner_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    given_name: Mapped[str]; family_name: Mapped[str]
    email: Mapped[str | None]; phone: Mapped[str | None]; birthday: Mapped[dt.date | None] = mapped_column(Date)
    notes: Mapped[str] = mapped_column(String, server_default='')
    version: Mapped[int] = mapped_column(BigInteger, server_default='1')
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
class ContactIn(BaseModel):
    given_name: str; family_name: str; email: str | None = None; phone: str | None = None; birthday: dt.date | None = None; notes: str = ''
class ContactOut(ContactIn):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID; version: int; created_at: dt.datetime; updated_at: dt.datetime
class Page(BaseModel):
    contacts: list[ContactOut]; next_page_token: str
def db():
    s = Session()
    try: yield s
    finally: s.close()
oauth = OAuth2PasswordBearer(tokenUrl='/login')
def owner(tok: str = Depends(oauth)) -> uuid.UUID:
    try: return uuid.UUID(jwt.decode(tok, KEY, algorithms=['HS256'], audience='contacts', issuer='https://auth.example')['sub'])
    except Exception: raise HTTPException(401)
app = FastAPI()
@app.get('/contacts/{id}', response_model=ContactOut)
def get(id: uuid.UUID, o: uuid.UUID = Depends(owner), s: S = Depends(db)):
    c = s.query(Contact).filter(Contact.owner_id == o, Contact.id == id).first()
    if c is None: raise HTTPException(404)
    return c
@app.get('/contacts', response_model=Page)
def list_(page_size: int = 50, page_token: uuid.UUID = uuid.UUID(int=0), o: uuid.UUID = Depends(owner), s: S = Depends(db)):
    r = s.scalars(select(Contact).where(Contact.owner_id == o, Contact.id > page_token).order_by(Contact.id).limit(page_size)).all()
    return Page(contacts=[ContactOut.model_validate(x) for x in r], next_page_token=str(r[-1].id) if len(r) == page_size else '')
@app.post('/contacts', response_model=ContactOut)
def create(c: ContactIn, o: uuid.UUID = Depends(owner), s: S = Depends(db)):
    x = Contact(owner_id=o, id=uuid.uuid4(), **c.model_dump()); s.add(x); s.commit(); s.refresh(x); return x
