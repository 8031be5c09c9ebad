"""Drives the sandbox with the official Python clients of both vendors, unchanged but for the host:
what they send to https://api.pagerduty.com and https://*.salesforce.com goes to the loopback.

    clients.py PAGERDUTY_URL SALESFORCE_URL PRIVATE_KEY_FILE

Each check prints one line; the exit status is 1 when one failed. The clients are installed into a
virtual environment in the temporary folder when they are not there yet.
"""

import os
import subprocess
import sys
import tempfile
import venv

REQUIREMENTS = ["pagerduty==7.2.0", "simple-salesforce==1.12.10"]
HOME = os.path.join(tempfile.gettempdir(), "liaison-sandbox-clients-" + str(os.getuid()))
PYTHON = os.path.join(HOME, "bin", "python3")
MARK = os.path.join(HOME, "installed")


def install():
    """Runs this script again inside the virtual environment."""
    wanted = "\n".join(REQUIREMENTS)
    if not os.path.exists(MARK) or open(MARK).read() != wanted:
        venv.create(HOME, with_pip=True, clear=True)
        command = [PYTHON, "-m", "pip", "install", "--quiet", *REQUIREMENTS]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr[-2000:])
            print("The vendors' Python clients could not be installed with pip; is there a network?")
            sys.exit(1)
        with open(MARK, "w") as mark:
            mark.write(wanted)
    os.execv(PYTHON, [PYTHON, __file__, *sys.argv[1:]])


CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def raises(kind, action):
    try:
        action()
    except kind as error:
        return error
    raise AssertionError("no " + kind.__name__)


# PagerDuty


def pagerduty_client(key="u+SandboxAccountKey1", author="liaison@example.com"):
    import httpx2
    import pagerduty

    class Loopback(httpx2.HTTPTransport):
        def handle_request(self, request):
            host, port = sys.argv[1].removeprefix("http://").split(":")
            request.url = request.url.copy_with(scheme="http", host=host, port=int(port))
            return super().handle_request(request)

    client = pagerduty.RestApiV2Client(key, default_from=author, transport=Loopback())
    client.max_network_attempts = 1
    return client


@check
def pagerduty_tells_key_kinds_apart():
    assert pagerduty_client().api_key_access == "account"
    assert pagerduty_client("u+SandboxUserKey0001").api_key_access == "user"
    assert pagerduty_client().subdomain == "sandbox"
    assert pagerduty_client().account_has_ability("teams")
    assert not pagerduty_client().account_has_ability("telepathy")


@check
def pagerduty_finds_what_rules_name():
    client = pagerduty_client()
    assert client.find("users", "ada@example.com", attribute="email")["name"] == "Ada Quill"
    assert client.find("services", "Checkout")["id"] == "PSVCHK1"
    assert [p["name"] for p in client.list_all("priorities")] == ["P1", "P2", "P3", "P4", "P5"]
    assert client.get_total("escalation_policies") == 2
    assert len(client.dict_all("incident_workflows")) == 3


@check
def pagerduty_incident_lives():
    client = pagerduty_client()
    service = {"id": "PSVCHK1", "type": "service_reference"}
    wish = {"type": "incident", "title": "From Python", "service": service, "incident_key": "py-1"}
    incident = client.rpost("incidents", json=wish)
    assert incident["status"] == "triggered" and incident["summary"].endswith("From Python")

    import pagerduty

    error = raises(pagerduty.HttpError, lambda: client.rpost("incidents", json=wish))
    assert error.response.status_code == 400
    assert "matching dedup key" in error.response.json()["error"]["errors"][0]
    query = {
        "incident_key": "py-1", "service_ids": ["PSVCHK1"], "statuses": ["triggered"],
        "date_range": "all",
    }
    assert [i["id"] for i in client.list_all("incidents", params=query)] == [incident["id"]]

    change = {"type": "incident_reference", "status": "acknowledged"}
    changed = client.rput(incident, json=change)
    assert changed["assignments"][0]["assignee"]["summary"] == "Liaison"
    note = client.rpost("incidents/%s/notes" % incident["id"], json={"content": "from the client"})
    assert note["user"]["summary"] == "Liaison"
    bulk = [{"id": incident["id"], "type": "incident_reference", "status": "resolved"}]
    assert client.rput("incidents", json=bulk)[0]["status"] == "resolved"
    assert client.rget(incident)["resolved_at"]
    entries = client.list_all("incidents/%s/log_entries" % incident["id"])
    kinds = [entry["type"].removesuffix("_log_entry") for entry in entries]
    assert kinds == ["resolve", "annotate", "acknowledge", "trigger"]


@check
def pagerduty_subscription_is_managed():
    client = pagerduty_client()
    wish = {
        "type": "webhook_subscription", "description": "py", "events": ["incident.triggered"],
        "filter": {"type": "account_reference"},
        "delivery_method": {"type": "http_delivery_method", "url": "http://127.0.0.1:9/never"},
    }
    made = client.rpost("webhook_subscriptions", json=wish)
    assert len(made["delivery_method"]["secret"]) == 64
    again = client.rget("webhook_subscriptions/" + made["id"])
    assert again["delivery_method"]["secret"] is None
    client.rdelete("webhook_subscriptions/" + made["id"])


@check
def pagerduty_refuses_a_bad_and_a_read_only_key():
    import pagerduty

    raises(pagerduty.Error, lambda: pagerduty_client("wrong").rget("abilities"))
    reader = pagerduty_client("u+SandboxReadOnly001")
    assert reader.rget("incidents", params={"limit": 1}) is not None
    wish = {"type": "incident", "title": "No", "service": {"id": "PSVCHK1"}}
    error = raises(pagerduty.HttpError, lambda: reader.rpost("incidents", json=wish))
    assert error.response.status_code == 403


# Salesforce


def salesforce_client(**options):
    import requests
    from requests.adapters import HTTPAdapter
    from simple_salesforce import Salesforce

    class Loopback(HTTPAdapter):
        def send(self, request, **kwargs):
            path = request.url.split("/", 3)[3]
            request.url = sys.argv[2] + "/" + path
            return super().send(request, **kwargs)

    session = requests.Session()
    session.mount("https://", Loopback())
    login = {
        "username": "liaison@sandbox.example", "consumer_key": "3MVG9SandboxConsumerKey",
        "privatekey_file": sys.argv[3], **options,
    }
    return Salesforce(session=session, version="62.0", **login)


@check
def salesforce_login_is_checked():
    from simple_salesforce.exceptions import SalesforceAuthenticationFailed as Failed

    assert salesforce_client().session_id.startswith("00D")
    unknown = raises(Failed, lambda: salesforce_client(username="nobody@sandbox.example"))
    assert "hasn't approved this consumer" in str(unknown)
    assert "client identifier" in str(raises(Failed, lambda: salesforce_client(consumer_key="x")))


@check
def salesforce_record_lives():
    from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

    client = salesforce_client()
    made = client.Case.create({"Subject": "From Python", "Priority": "High"})
    assert made["success"] and len(made["id"]) == 18
    assert client.Case.update(made["id"], {"Status": "Working", "Comments": "hello"}) == 204
    case = client.Case.get(made["id"])
    assert (case["Status"], case["Reason"]) == ("Working", None)
    assert case["LastModifiedDate"].endswith(".000+0000")
    body = client.query("SELECT CommentBody FROM CaseComment WHERE ParentId = '%s'" % made["id"])
    assert body["records"][0]["CommentBody"] == "hello"

    error = raises(SalesforceMalformedRequest, lambda: client.Case.create({"Nope": 1}))
    assert error.content[0]["errorCode"] == "INVALID_FIELD"
    error = raises(SalesforceMalformedRequest, lambda: client.Case.create({"Subject": "x" * 256}))
    assert error.content[0]["errorCode"] == "STRING_TOO_LONG"
    assert client.Case.delete(made["id"]) == 204
    raises(SalesforceResourceNotFound, lambda: client.Case.get(made["id"]))


@check
def salesforce_upsert_by_external_id():
    client = salesforce_client()
    key = "PagerDuty_Incident_Id__c/QPY%2F1"
    first = client.Case.upsert(key, {"Subject": "One"}, raw_response=True)
    assert first.status_code == 201 and first.json()["created"]
    second = client.Case.upsert(key, {"Subject": "Two"}, raw_response=True)
    assert second.status_code == 200 and second.json()["created"] is False
    found = client.Case.get_by_custom_id("PagerDuty_Incident_Id__c", "QPY/1")
    assert found["Subject"] == "Two" and found["PagerDuty_Incident_Id__c"] == "QPY/1"


@check
def salesforce_query_and_describe():
    from simple_salesforce import format_soql
    from simple_salesforce.exceptions import SalesforceMalformedRequest

    client = salesforce_client()
    for number in range(3):
        client.Outage__c.create({"Name": "Py %d 'q'" % number, "Severity__c": "SEV2"})
    soql = format_soql("SELECT Id, Name FROM Outage__c WHERE Name LIKE '{:like}%'", "Py ")
    assert client.query(soql + " ORDER BY Name DESC")["totalSize"] == 3
    exact = format_soql("SELECT Id FROM Outage__c WHERE Name = {}", "Py 1 'q'")
    assert len(list(client.query_all_iter(exact))) == 1
    assert client.query("SELECT COUNT() FROM Outage__c")["totalSize"] >= 3
    assert client.api_usage["api-usage"].total == 5000000
    raises(SalesforceMalformedRequest, lambda: client.query("SELECT Foo FROM Case"))
    names = [o["name"] for o in client.describe()["sobjects"]]
    assert {"Case", "Incident", "Outage__c"} <= set(names)
    fields = {f["name"]: f for f in client.Case.describe()["fields"]}
    assert fields["Subject"]["length"] == 255 and fields["Comments"]["updateable"]


@check
def salesforce_composite_and_apex():
    client = salesforce_client()
    batch = {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Contact"}, "LastName": "Dyer"},
            {"attributes": {"type": "Contact"}, "FirstName": "No name"},
        ],
    }
    results = client.restful("composite/sobjects", method="POST", json=batch)
    assert [r["success"] for r in results] == [True, False]
    assert results[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    base = "/services/data/v62.0/sobjects/"
    parts = [
        {"method": "POST", "url": base + "Case", "referenceId": "c", "body": {"Subject": "S"}},
        {
            "method": "POST", "url": base + "CaseComment", "referenceId": "n",
            "body": {"ParentId": "@{c.id}", "CommentBody": "in one call"},
        },
    ]
    answer = client.restful("composite", method="POST", json={"compositeRequest": parts})
    assert [p["httpStatusCode"] for p in answer["compositeResponse"]] == [201, 201]
    assert client.apexecute("liaison/event", method="POST", data={"a": 1}) is not None


def main():
    failed = 0
    for function in CHECKS:
        try:
            function()
            print("ok      " + function.__name__)
        except Exception as error:  # Every check is to have its line.
            failed += 1
            print("FAILED  %s: %r" % (function.__name__, error))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    if sys.executable != PYTHON and sys.prefix != HOME:
        install()
    main()
