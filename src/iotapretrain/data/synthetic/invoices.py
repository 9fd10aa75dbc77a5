"""Invoices to be read: words, order and number of lines vary; the fields that are asked do not.

Every answer stands in the document, among others that are not asked for, and all amounts add up.
"""

from __future__ import annotations

from iotapretrain.data.synthetic.item import Draws, Item

FIELDS = ("number", "date", "seller", "buyer", "tax", "total")
"""What is asked for, in the order of the answer."""
QUESTION = f"Fields: {', '.join(FIELDS)}\n"

NUMBER = ("Invoice no.", "Invoice number", "Invoice", "Bill no.")
DATE = ("Date", "Issued", "Invoice date")
DUE = ("Due", "Payable by", "Due date")
ORDER = ("Order", "Your order", "Customer no.")
BUYER = ("Bill to", "To", "Customer")
SUBTOTAL = ("Subtotal", "Net", "Sum")
TAX = ("Tax", "VAT", "Sales tax")
TOTAL = ("Total", "Amount due", "To pay")
FORMS = ("Ltd", "Inc", "GmbH", "& Co", "Group")
GOODS = ("paper", "lamp", "chair", "cable", "printer", "desk", "folder", "pen", "monitor", "shelf")
CURRENCIES = ("EUR", "USD", "GBP", "CHF")
RATES = (5, 7, 19, 20)
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def invoices(draws: Draws) -> Item:
    """An invoice and its fields, a line each."""
    seller, buyer = (f"{word.capitalize()} {draws.one_of(FORMS)}" for word in draws.words(2))
    number = f"{draws.word(1).upper()}-{draws.digits(5)}"
    date = _date(draws)
    lines, subtotal = _lines(draws)
    rate = draws.one_of(RATES)
    tax = (subtotal * rate + 50) // 100
    amounts = (_money(subtotal), _money(tax), _money(subtotal + tax))
    head = _head(draws, seller, buyer, number, date)
    document = "\n".join((*head, "", *lines, "", *_foot(draws, rate, amounts)))
    fields = zip(FIELDS, (number, date, seller, buyer, amounts[1], amounts[2]), strict=True)
    answer = "\n".join(f"{name}: {value}" for name, value in fields)
    return Item(f"{document}\n\n{QUESTION}", f"{answer}\n")


def _head(draws: Draws, seller: str, buyer: str, number: str, date: str) -> list[str]:
    """Who, to whom, and the numbers and dates in random order."""
    marks = [
        f"{draws.one_of(NUMBER)}: {number}",
        f"{draws.one_of(DATE)}: {date}",
        f"{draws.one_of(DUE)}: {_date(draws)}",
        f"{draws.one_of(ORDER)}: {draws.digits(6)}",
    ]
    address = f"{draws.between(1, 200)} {draws.word().capitalize()} Street"
    to = f"{draws.one_of(BUYER)}: {buyer}"
    return [seller, address, "", to, *draws.some_of(marks, len(marks))]


def _lines(draws: Draws) -> tuple[list[str], int]:
    """One to four things, how many and at which price, and what they cost together in cents."""
    lines, subtotal = [], 0
    for good in draws.some_of(GOODS, draws.between(1, 4)):
        count, price = draws.between(1, 9), draws.between(100, 9_999)
        lines.append(f"{count} x {good} at {_money(price)} = {_money(count * price)}")
        subtotal += count * price
    return lines, subtotal


def _foot(draws: Draws, rate: int, amounts: tuple[str, str, str]) -> list[str]:
    subtotal, tax, total = amounts
    return [
        f"{draws.one_of(SUBTOTAL)}: {subtotal}",
        f"{draws.one_of(TAX)} {rate}%: {tax}",
        f"{draws.one_of(TOTAL)} ({draws.one_of(CURRENCIES)}): {total}",
    ]


def _date(draws: Draws) -> str:
    return f"{draws.between(1, 28)} {draws.one_of(MONTHS)} {draws.between(2000, 2039)}"


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
