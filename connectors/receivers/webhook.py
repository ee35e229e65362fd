"""Alerts to an address of somebody's own, signed as Standard Webhooks 1.0 says."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from standardwebhooks import Webhook as Signer

from connectors.contract import DeliveryFailed, Message

_GONE: Final = 410
_MAY_PASS: Final = frozenset({408, 425, 429})


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the receiver compares the timestamp with its own clock


class Webhook:
    """Posts messages to a URL; `secret` is `whsec_…` in base64, `timeout` in seconds.

    The id is the message's at every attempt, the timestamp and the signature are the attempt's.
    Redirects are not followed. When to try again is for the caller to say.
    """

    def __init__(
        self, url: str, secret: str | None, timeout: float = 20.0,
        *, now: Callable[[], datetime] = _utc_now,
    ) -> None:  # fmt: skip
        self._url = url
        self._signer = Signer(secret) if secret is not None else None
        self._now = now
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)

    def send(self, message: Message) -> None:
        """Deliver a message; raises DeliveryFailed.

        Final are 410, which asks for no more, and every other refusal that would be the same the
        next time; not answering, 408, 425, 429 and 5xx are not, and `after` is what Retry-After asked.
        """
        try:
            response = self._http.post(
                self._url, content=message.body, headers=self._signed(message)
            )
        except httpx.HTTPError as error:
            reason = f"no answer: {str(error) or type(error).__name__}"
            raise DeliveryFailed(reason) from error
        if response.is_success:
            return
        raise DeliveryFailed(
            _reason(response), final=_is_final(response.status_code), after=self._after(response)
        )

    def close(self) -> None:
        """Give the sockets back."""
        self._http.close()

    def _signed(self, message: Message) -> dict[str, str]:
        now = self._now()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
        }
        if self._signer is not None:
            headers["webhook-signature"] = self._signer.sign(message.id, now, message.body.decode())
        return headers

    def _after(self, response: httpx.Response) -> float | None:
        """Seconds that Retry-After asks to wait, given as a number or as a date."""
        asked = response.headers.get("retry-after", "").strip()
        if asked.isdigit():
            return float(asked)
        try:
            return max(0.0, (parsedate_to_datetime(asked) - self._now()).total_seconds())
        except (ValueError, TypeError):
            return None


def _is_final(status: int) -> bool:
    return httpx.codes.is_client_error(status) and status not in _MAY_PASS


def _reason(response: httpx.Response) -> str:
    if response.status_code == _GONE:
        return "the receiver answered 410: it wants no more messages"
    if response.is_redirect:
        return f"the receiver answered {response.status_code}; redirects are not followed"
    return f"the receiver answered {response.status_code}"
