"""Acting: whether a source can act as the ServiceAccount of its settings."""

from typing import Protocol

from reconciler.core.checkup import Check, failed, passed, warned
from reconciler.core.objects.account import ServiceAccount
from reconciler.errors import ImpersonationError, ReconcilerError, TransientError

NAME = "acting"


class AccountProbe(Protocol):
    """Tries what a ServiceAccount may do, by acting as it. Changes nothing."""

    def may_apply(self) -> bool:
        """Return whether it may apply Deployments in its own namespace.

        Raises:
            ImpersonationError: we may not act as it.
            SettingsError: there is no cluster.
            AccessDeniedError, ClusterError: it cannot be asked.
        """
        ...

    def is_missing(self) -> bool:
        """Return whether it is known that there is no such ServiceAccount.

        Raises:
            ClusterError: it cannot be asked.
        """
        ...


def examine_account(account: ServiceAccount, probe: AccountProbe) -> Check:
    """Act as a ServiceAccount; that it may do little is a warning, as it may be meant so."""
    try:
        may_apply, is_missing = probe.may_apply(), probe.is_missing()
    except ImpersonationError as error:
        who = f"serviceaccounts/{account.name} --namespace {account.namespace}"
        return failed(
            NAME,
            error.message,
            cause="the role by which we may act as it is missing, or names another one",
            remedy=f"kubectl auth can-i impersonate {who}",
        )
    except ReconcilerError as error:
        may_pass = isinstance(error, TransientError)
        is_down = "the cluster is down, or the settings name another one"
        cause = is_down if may_pass else "what the kubeconfig says of the cluster and its user"
        return failed(NAME, str(error), cause=cause, may_pass=may_pass)
    where = f"Deployments in namespace {account.namespace}"
    if is_missing:
        detail = f"there is no ServiceAccount {account}"
        cause = "a slip in --service-account, or it is still to be made"
        return warned(NAME, detail, cause=cause, remedy=_made(account))
    if not may_apply:
        detail = f"can act as {account}, which may not apply {where}"
        return warned(NAME, detail, cause="no role with that right is bound to it there")
    return passed(NAME, f"can act as {account}, which may apply {where}")


def _made(account: ServiceAccount) -> str:
    return f"kubectl create serviceaccount {account.name} --namespace {account.namespace}"
