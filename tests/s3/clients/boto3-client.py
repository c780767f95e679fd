"""What a Python program does with S3: endpoint and bucket are given, keys come from the environment."""

import hashlib
import http.client
import io
import os
import sys
import urllib.parse

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, bucket_name = sys.argv[1:3]
MIB = 1024 * 1024
config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2})
s3 = boto3.resource("s3", endpoint_url=endpoint, config=config)
client = s3.meta.client


def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "nothing"


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, wanted {wanted!r}")


bucket = s3.create_bucket(Bucket=bucket_name)
bucket.wait_until_exists()
expect("a bucket that is not there", code_of(lambda: client.head_bucket(Bucket="no-such-bucket")), "404")

# Many parts at once, up and down, by threads.
content = os.urandom(21 * MIB + 3)
transfer = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
bucket.upload_fileobj(
    io.BytesIO(content), "big", ExtraArgs={"Metadata": {"who": "boto3"}, "ContentType": "text/x"}, Config=transfer
)
back = io.BytesIO()
bucket.download_fileobj("big", back, Config=transfer)
expect("what came back", hashlib.sha256(back.getvalue()).digest(), hashlib.sha256(content).digest())
big = bucket.Object("big")
expect("metadata", (big.metadata, big.content_type, big.content_length), ({"who": "boto3"}, "text/x", len(content)))
expect("parts", client.head_object(Bucket=bucket_name, Key="big", PartNumber=2)["PartsCount"], 5)
expect("a range", big.get(Range="bytes=5242870-5242889")["Body"].read(), content[5242870:5242890])

# A managed copy, by parts that move no bytes.
bucket.Object("copy").copy({"Bucket": bucket_name, "Key": "big"}, Config=transfer)
expect("a copy", client.get_object(Bucket=bucket_name, Key="copy")["Body"].read(), content)

# Names, conditions, failures.
for key in ["a", "a/", "a/b", "a//b", "ü/ñ 日本", "+ %&?#"]:
    bucket.put_object(Key="names/" + key, Body=key.encode())
found = [summary.key for summary in bucket.objects.filter(Prefix="names/")]
expect("keys in order", found, sorted(found, key=lambda key: key.encode()))
for key in found:
    expect(key, bucket.Object(key).get()["Body"].read().decode(), key.removeprefix("names/"))
pages = client.get_paginator("list_objects_v2").paginate(
    Bucket=bucket_name, Prefix="names/", Delimiter="/", PaginationConfig={"PageSize": 2}
)
prefixes = [prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])]
expect("prefixes", prefixes, ["names/a/", "names/ü/"])
etag = bucket.Object("names/a").e_tag
expect("a key that is not there", code_of(lambda: bucket.Object("none").get()), "NoSuchKey")
expect("not modified", code_of(lambda: bucket.Object("names/a").get(IfNoneMatch=etag)), "304")
expect("not matched", code_of(lambda: bucket.Object("names/a").get(IfMatch='"0"')), "PreconditionFailed")
expect("not empty", code_of(bucket.delete), "BucketNotEmpty")

# URLs that were signed here are used by what has no key, by both signatures that there are.
def by_url(method, url, body=None):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    connection.request(method, url[url.index("/", 8) :], body)
    answer = connection.getresponse()
    return answer.status, answer.read()


for version in ["s3", "s3v4"]:
    signer = boto3.client("s3", endpoint_url=endpoint, config=config.merge(Config(signature_version=version)))
    target = {"Bucket": bucket_name, "Key": "by url " + version}
    url = signer.generate_presigned_url("put_object", target, ExpiresIn=60)
    expect("a put by URL, " + version, by_url("PUT", url, b"by url"), (200, b""))
    url = signer.generate_presigned_url("get_object", target, ExpiresIn=60)
    expect("a get by URL, " + version, by_url("GET", url), (200, b"by url"))
    expect("a spoilt URL, " + version, by_url("GET", url.replace("by%20url", "other"))[0], 403)

# A customer's key.
customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
bucket.put_object(Key="sealed", Body=b"secret", **customer)
expect("with its key", bucket.Object("sealed").get(**customer)["Body"].read(), b"secret")
expect("without its key", code_of(lambda: bucket.Object("sealed").get()), "InvalidRequest")

# Versions.
bucket.Versioning().enable()
for body in [b"one", b"two"]:
    bucket.put_object(Key="kept", Body=body)
bucket.Object("kept").delete()
versions = list(bucket.object_versions.filter(Prefix="kept"))
expect("versions", len(versions), 3)
contents = [version.get()["Body"].read() for version in versions if version.size is not None]
expect("contents, newest first", contents, [b"two", b"one"])

bucket.object_versions.delete()
bucket.delete()
expect("gone", code_of(lambda: client.head_bucket(Bucket=bucket_name)), "404")
print("all well, boto3", boto3.__version__)
