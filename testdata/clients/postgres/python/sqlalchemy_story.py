"""SQLAlchemy's ORM, over psycopg 3, psycopg2 and asyncpg in turn: made-up aliases, RETURNING, IN lists, streams."""

import asyncio
import os
import sys
import uuid
from datetime import datetime, timezone
from decimal import Decimal

from sqlalchemy import JSON, ForeignKey, Numeric, String, func, select, text
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column, relationship, selectinload
from sqlalchemy.types import ARRAY, DateTime, Uuid

DRIVER = sys.argv[1]
URL = os.environ["DATABASE_URL"].replace("postgres://", f"postgresql+{DRIVER}://")


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uuid)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    orders: Mapped[list["Order"]] = relationship(back_populates="customer", order_by="Order.id")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    total: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    lines: Mapped[dict] = mapped_column(JSON)
    tags: Mapped[list[str]] = mapped_column(ARRAY(String))
    customer: Mapped[Customer] = relationship(back_populates="orders")


def story(session):
    since = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
    for n in range(1, 6):
        customer = Customer(name=f"kůň '{n}'", uid=uuid.UUID(int=n), since=since)
        customer.orders = [
            Order(total=Decimal(n * k) / 4, lines={"k": [k, None]}, tags=["a", f"t{k}"]) for k in range(1, 4)
        ]
        session.add(customer)
    session.commit()

    print("== reading")
    for customer in session.scalars(select(Customer).options(selectinload(Customer.orders)).order_by(Customer.id)):
        print(customer.id, customer.name, customer.uid, customer.since.astimezone(timezone.utc).isoformat())
        for order in customer.orders:
            print("  ", order.id, order.total, order.lines, order.tags)
    other = aliased(Order)
    inner = select(Order.customer_id, func.sum(Order.total).label("sum")).group_by(Order.customer_id).subquery()
    print(session.execute(select(Customer.name, inner.c.sum).join(inner, inner.c.customer_id == Customer.id)
                          .order_by(Customer.id)).all())
    print(session.execute(select(func.count()).select_from(Order).join(other, other.id == Order.id + 1)).scalar())
    for ids in ([1, 2], [1, 2, 3], []):
        print(session.scalars(select(Customer.name).where(Customer.id.in_(ids)).order_by(Customer.id)).all())

    print("== writing")
    first = session.get(Customer, 1)
    first.name = "renamed"
    session.flush()
    with session.begin_nested():
        session.add(Order(customer=first, total=Decimal("9.99"), lines={}, tags=[]))
    try:
        with session.begin_nested():
            session.add(Customer(name="renamed", uid=uuid.UUID(int=9), since=since))
            session.flush()
    except IntegrityError as error:
        print("error", type(error.orig).__name__.split(".")[-1] if DRIVER != "asyncpg" else "UniqueViolation")
    session.rollback()
    session.expire_all()
    print(session.get(Customer, 1).name, session.scalar(select(func.count(Order.id))))
    session.delete(session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one())
    session.commit()
    print(session.scalar(select(func.count(Order.id))))
    try:
        session.execute(text("SELECT 1/:n"), {"n": 0})
    except DBAPIError as error:
        print("error", "division" in str(error))
    session.rollback()
    stream = session.execute(text("SELECT g FROM generate_series(1, 30) g"),
                             execution_options={"yield_per": 10})
    print([part[-1][0] for part in stream.partitions()])
    session.commit()


async def over_asyncpg():
    engine = create_async_engine(URL, pool_size=3)
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    async with engine.connect() as conn:
        await conn.run_sync(lambda sync: story(Session(sync)))
        print(await conn.run_sync(lambda sync: sorted(inspect(sync).get_table_names())))
    await engine.dispose()


if DRIVER == "asyncpg":
    asyncio.run(over_asyncpg())
else:
    engine = create_engine(URL, pool_size=3)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        story(session)
    print(sorted(inspect(engine).get_table_names()))
    print([(c["name"], str(c["type"])) for c in inspect(engine).get_columns("orders")])
    engine.dispose()
