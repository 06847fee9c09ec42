"""Import jobs over HTTP, from the header to the user who resets the password."""

import logging

import boto3
import pytest
from anyio import to_thread
from botocore.config import Config

from tests.pool.imports.conftest import ROLE, Importer, counts


async def test_users_come_in_and_reset_their_passwords(importer, clock):
    house = importer.house
    rows = [
        {"cognito:username": "ann", "name": "A\\, B", "birthdate": "02/01/1985"},
        {"cognito:username": "bob", "email_verified": "false"},
        {"cognito:username": "ann"},
        {"cognito:username": "cid"},
    ]
    job = await importer.create("first")
    created = {
        "JobName": "first",
        "JobId": job["JobId"],
        "UserPoolId": house.pool_id,
        "PreSignedUrl": job["PreSignedUrl"],
        "CreationDate": clock.now,
        "Status": "Created",
        "CloudWatchLogsRoleArn": ROLE,
        "ImportedUsers": 0,
        "SkippedUsers": 0,
        "FailedUsers": 0,
    }
    assert job == created
    assert await importer.put(job, await importer.csv(*rows)) == (200, {})
    started = await importer.start(job)
    assert started == {**created, "Status": "Pending", "StartDate": clock.now}
    ended = await importer.ended(job)
    assert ended == {
        **started,
        "Status": "Succeeded",
        "CompletionDate": clock.now,
        "CompletionMessage": "The import succeeded.",
        "ImportedUsers": 2,
        "SkippedUsers": 1,
        "FailedUsers": 1,
    }
    one = {"UserPoolId": house.pool_id, "Username": "ann"}
    user = await house.api("AdminGetUser", **one)
    assert user["UserStatus"] == "RESET_REQUIRED"
    attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    assert attributes.pop("sub")
    assert attributes == {
        "name": "A, B",
        "birthdate": "1985-02-01",
        "email": "ann@example.org",
        "email_verified": "true",
    }
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "PasswordResetRequiredException"
    await house.api("ForgotPassword", ClientId=house.client_id, Username="ann")


async def test_the_log_has_a_line_for_each_row_and_no_user_data(importer, caplog):
    caplog.set_level(logging.DEBUG, "authflow.pool.imports")
    rows = [
        {"cognito:username": "canary"},
        {"cognito:username": "canary"},
        {"cognito:username": "canary2", "email": "canary address"},
        {"cognito:username": "canary3"},
    ]
    job = await importer.run(await importer.csv(*rows))
    told = [each.getMessage() for each in caplog.records if each.name == "authflow.pool.imports"]
    assert told == [
        f"{job['JobId']}: [SUCCEEDED] Line Number 2 - The import succeeded.",
        f"{job['JobId']}: [SKIPPED] Line Number 3 - The user already exists.",
        f"{job['JobId']}: [FAILED] Line Number 4 - Invalid email address format.",
        f"{job['JobId']}: [SUCCEEDED] Line Number 5 - The import succeeded.",
        f"{job['JobId']}: Succeeded, with 2 users imported, 1 skipped, 1 failed",
    ]
    assert "canary" not in caplog.text
    levels = [each.levelname for each in caplog.records if each.name == "authflow.pool.imports"]
    assert levels == ["DEBUG", "INFO", "INFO", "DEBUG", "INFO"]


async def test_an_alias_that_is_taken_fails_the_row_and_leaves_nothing_of_it(api, settle):
    settings = {"AutoVerifiedAttributes": ["email"], "AliasAttributes": ["email"]}
    importer = Importer(await settle(api, settings))
    same = {"email": "one@example.org"}
    rows = [{"cognito:username": name, **same} for name in ("ann", "bob")]
    job = await importer.run(await importer.csv(*rows, {"cognito:username": "cid"}))
    assert counts(job) == (2, 0, 1)
    assert await importer.usernames() == ["ann", "cid"]
    # The name of the row that failed is free.
    assert counts(await importer.run(await importer.named("bob"))) == (1, 0, 0)


@pytest.mark.parametrize(
    ("rows", "status", "message"),
    [
        ([], "Succeeded", "The import succeeded."),
        (["ann", "bob smith"], "Succeeded", "The import succeeded."),
        (
            ["ann", "bob smith", "ann"],
            "Failed",
            "Too many users have failed or been skipped during the import.",
        ),
    ],
)
async def test_a_job_of_which_more_than_half_did_not_come_in_has_failed(
    importer, rows, status, message
):
    job = await importer.run(await importer.named(*rows))
    assert (job["Status"], job["CompletionMessage"]) == (status, message)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"name,email\n", b"\xff\xfe\n", "\ufeffname".encode(), b"x" * 200_000],
    ids=["nothing", "a line", "other columns", "no text", "a byte order mark", "no line"],
)
async def test_a_file_without_the_pools_header_fails_the_job(importer, content):
    job = await importer.run(content)
    assert job["Status"] == "Failed"
    assert counts(job) == (0, 0, 0)
    assert 1 <= len(job["CompletionMessage"]) <= 128
    assert await importer.usernames() == []
    # Another job can run.
    assert (await importer.run(await importer.named("ann")))["Status"] == "Succeeded"


async def test_rows_end_as_files_of_any_system_do(importer):
    text = await importer.named("ann", "bob")
    content = text.replace(b"\n", b"\r\n") + b"\r\n\r\n"
    assert counts(await importer.run(content)) == (2, 0, 0)


async def test_a_job_starts_once_its_file_is_there_and_once(importer):
    job = await importer.create()
    early = await importer.refused("StartUserImportJob", JobId=job["JobId"])
    assert early.code == "PreconditionNotMetException"
    assert early.message == f"No csv file was uploaded for {job['JobId']}"
    await importer.put(job, await importer.named("ann"))
    await importer.start(job)
    await importer.ended(job)
    again = await importer.refused("StartUserImportJob", JobId=job["JobId"])
    assert again.code == "PreconditionNotMetException"
    assert "it is Succeeded" in again.message


async def test_a_pool_that_verifies_no_address_imports_nobody(house):
    importer = Importer(house)
    job = await importer.create()
    await importer.put(job, await importer.named("ann"))
    refusal = await importer.refused("StartUserImportJob", JobId=job["JobId"])
    assert refusal.code == "PreconditionNotMetException"
    assert "auto-verified" in refusal.message


async def test_a_job_that_was_not_started_for_a_day_is_expired(importer, clock):
    job = await importer.create()
    await importer.put(job, await importer.named("ann"))
    clock.now += 86400 - 1
    assert (await importer.described(job))["Status"] == "Created"
    clock.now += 1
    assert (await importer.described(job))["Status"] == "Expired"
    refusal = await importer.refused("StartUserImportJob", JobId=job["JobId"])
    assert refusal.code == "PreconditionNotMetException"
    await importer.create()  # which clears the first one's file away
    clock.now -= 86400
    assert (await importer.described(job))["Status"] == "Expired"
    assert (await importer.refused("StopUserImportJob", JobId=job["JobId"])).code == (
        "PreconditionNotMetException"
    )


async def test_jobs_are_listed_from_the_newest_to_the_oldest(importer, clock):
    made = []
    for number in range(5):
        clock.now += number % 2
        made.append(await importer.create(f"job {number}"))
    pool = {"UserPoolId": importer.house.pool_id}
    found, way = [], {}
    while True:
        page = await importer.house.api("ListUserImportJobs", **pool, MaxResults=2, **way)
        found += page["UserImportJobs"]
        assert len(page["UserImportJobs"]) <= 2
        if "PaginationToken" not in page:
            break
        way = {"PaginationToken": page["PaginationToken"]}
    dates = [job["CreationDate"] for job in found]
    assert dates == sorted(dates, reverse=True)
    assert sorted(job["JobId"] for job in found) == sorted(job["JobId"] for job in made)
    for bad in ("x", "!", "_w==", "bmFuIA==", "aW5mIHg="):
        refusal = await importer.refused("ListUserImportJobs", MaxResults=1, PaginationToken=bad)
        assert refusal.message == "Invalid pagination token."


async def test_jobs_of_another_pool_are_nobodys(importer, settle):
    job = await importer.create()
    other = Importer(await settle(importer.house.api))
    assert (
        await other.house.api("ListUserImportJobs", UserPoolId=other.house.pool_id, MaxResults=9)
    ) == {"UserImportJobs": []}
    for operation in ("DescribeUserImportJob", "StartUserImportJob", "StopUserImportJob"):
        for one in (job["JobId"], "import-none"):
            refusal = await other.refused(operation, JobId=one)
            assert refusal.code == "ResourceNotFoundException"


async def test_password_hashes_are_refused_and_not_passed_over(importer):
    for algorithm in ("BCRYPT", "ARGON2ID"):
        refusal = await importer.refused(
            "CreateUserImportJob",
            JobName="j",
            CloudWatchLogsRoleArn=ROLE,
            PasswordHashingAlgorithm=algorithm,
        )
        assert refusal.code == "InvalidParameterException"


async def test_of_100_who_start_a_job_at_once_one_does(importer):
    jobs = [await importer.create(), await importer.create()]
    for job in jobs:
        await importer.put(job, await importer.named("ann", "bob"))
    pool = importer.house.pool_id
    calls = [
        ("StartUserImportJob", {"UserPoolId": pool, "JobId": jobs[0]["JobId"]}) for _ in range(100)
    ]
    replies = await importer.house.api.at_once(*calls)
    assert sum("__type" not in reply for reply in replies) == 1
    assert counts(await importer.ended(jobs[0])) == (2, 0, 0)
    assert (await importer.described(jobs[1]))["Status"] == "Created"


async def test_boto3_imports_users(importer):
    house = importer.house

    def work(content):
        owner = boto3.client(
            "cognito-idp",
            endpoint_url=house.api.endpoint,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(retries={"total_max_attempts": 1}),
        )
        pool = {"UserPoolId": house.pool_id}
        assert "email" in owner.get_csv_header(**pool)["CSVHeader"]
        made = owner.create_user_import_job(**pool, JobName="j", CloudWatchLogsRoleArn=ROLE)
        job = made["UserImportJob"]
        stopped = owner.exceptions.PreconditionNotMetException
        with pytest.raises(stopped):
            owner.stop_user_import_job(**pool, JobId=job["JobId"])
        owner.list_user_import_jobs(**pool, MaxResults=1)
        return job

    job = await to_thread.run_sync(work, b"")
    assert (await importer.put(job, await importer.named("ann"), expect100=True))[0] == 200
    await importer.start(job)
    assert counts(await importer.ended(job)) == (1, 0, 0)
