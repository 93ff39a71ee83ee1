"""Why something is not done, in words: every refusal a verb can give, with the answer's status."""

from django.utils.translation import gettext_lazy as _


class Refused(Exception):
    """A verb did nothing; `message` says why in the person's language. Status 409: the state is another one."""

    status = 409
    default = _("This cannot be done now.")

    def __init__(self, message: object = None) -> None:
        self.message = message or self.default
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.message)


class Invalid(Refused):
    """What was sent cannot be understood. Status 422."""

    status = 422
    default = _("This was not understood.")


class HallClosed(Refused):
    default = _("The hall gives no tickets now.")


class CounterBusy(Refused):
    default = _("This counter still has a customer.")


class CounterNotOpen(Refused):
    default = _("This counter is not open.")


class CounterTaken(Refused):
    default = _("Somebody else is at this counter.")


class WrongState(Refused):
    default = _("This ticket has moved on meanwhile.")


class TooManyRecalls(Refused):
    default = _("This number was called often enough. Mark it as “did not come”.")
