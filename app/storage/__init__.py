"""Object storage of tenants: configured (`rules`, `inputs`, `service`), tested (`verification`, `probe`) and used (`s3`).

The only way to S3: `s3.ObjectStorage` and `s3.Bucket`, with `aws_sdk` and `clients` below and `uploads` above them. It knows
neither calls nor recordings. Start with `s3.py` for requests, with `service.py` for configurations.
"""
