# FastAPI + SQLAlchemy 2 (async ORM, asyncpg) + PyJWT. Run: uvicorn app:app --port 9101 --workers 2
import os, uuid, datetime as dt
import jwt
from fastapi import FastAPI, Depends, HTTPException, Header
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, String, Date, BigInteger, DateTime, func
from sqlalchemy.ext.asyncio import create_async_engine, async_sessionmaker, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
KEY = open(os.environ.get('HSKEY', 'hs.key'), 'rb').read()
engine = create_async_engine('postgresql+asyncpg://', pool_size=int(os.environ.get('POOL', '8')), max_overflow=0)
Session = async_sessionmaker(engine, expire_on_commit=False)
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
async def db():
    async with Session() as s: yield s
async def owner(authorization: str = Header()) -> uuid.UUID:
    try: return uuid.UUID(jwt.decode(authorization[7:], KEY, algorithms=['HS256'], audience='contacts', issuer='https://auth.example')['sub'])
    except Exception: raise HTTPException(401)
app = FastAPI()
@app.get('/contacts/{id}', response_model=ContactOut)
async def get(id: uuid.UUID, o: uuid.UUID = Depends(owner), s: AsyncSession = Depends(db)):
    c = await s.get(Contact, (o, id))
    if c is None: raise HTTPException(404)
    return c
@app.get('/contacts', response_model=Page)
async def list_(page_size: int = 50, page_token: uuid.UUID = uuid.UUID(int=0), o: uuid.UUID = Depends(owner), s: AsyncSession = Depends(db)):
    r = (await s.scalars(select(Contact).where(Contact.owner_id == o, Contact.id > page_token).order_by(Contact.id).limit(page_size))).all()
    return Page(contacts=[ContactOut.model_validate(x) for x in r], next_page_token=str(r[-1].id) if len(r) == page_size else '')
@app.post('/contacts', response_model=ContactOut)
async def create(c: ContactIn, o: uuid.UUID = Depends(owner), s: AsyncSession = Depends(db)):
    x = Contact(owner_id=o, id=uuid.uuid4(), **c.model_dump()); s.add(x); await s.commit(); await s.refresh(x); return x
