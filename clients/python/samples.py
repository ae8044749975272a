"""What the scenarios send, and how they check what returns."""
import uuid

from addressbook.contacts.v1 import contact_pb2 as model
from addressbook.contacts.v1 import contacts_service_pb2 as contacts

SCENARIOS = ["sign_up", "refresh", "pages", "errors", "retry", "deadline", "watch", "import_file"]
AT_ONCE = 8
PASSWORD = "the otter naps at noon"
NAMES = ["Ada", "Barbara", "Edsger", "Grace", "Tony"]
BROKEN = contacts.CreateContactRequest(
    contact=model.Contact(given_name="Eve", emails=[model.Email(address="nowhere")]), request_id=str(uuid.uuid4()))
# The second card says nothing.
CARDS = "".join(f"BEGIN:VCARD\r\nVERSION:4.0\r\n{name}END:VCARD\r\n" for name in ["FN:Alan\r\n", "", "FN:Kurt\r\n"])


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual} is not {expected}")


def new_contact(name):
    """A creation that can be retried, because it has a request id."""
    return contacts.CreateContactRequest(contact=model.Contact(given_name=name), request_id=str(uuid.uuid4()))


def import_requests():
    """The header, then the file in pieces."""
    header = contacts.ImportHeader(format=contacts.IMPORT_FORMAT_VCARD, import_id=str(uuid.uuid4()))
    yield contacts.ImportContactsRequest(header=header)
    file = CARDS.encode()
    for at in range(0, len(file), 50):
        yield contacts.ImportContactsRequest(chunk=file[at:at + 50])
