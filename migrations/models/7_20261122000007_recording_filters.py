"""Accounts are found by how their calls are recorded, where those are few among many.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

# In the conditions that the queries have: each database uses such an index only where it sees that its own follows.
ENABLED = {"sqlite": "enabled = 1", "postgres": "enabled"}
INDEXES = {
    "recording_configs_enabled": "(account_id) WHERE {enabled}",
    "recording_configs_by_status": "(storage_status, account_id)",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    enabled = ENABLED[db.capabilities.dialect]
    for name, what in INDEXES.items():
        await db.execute_query(f"CREATE INDEX IF NOT EXISTS {name} ON recording_configs {what.format(enabled=enabled)}")
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    for name in INDEXES:
        await db.execute_query(f"DROP INDEX IF EXISTS {name}")
    return ""


MODELS_STATE = (
    "eJztXf9z2jgW/1c0/NL2JptrkybbSW9uhiS0yzUJOSDt7h03xsEi+GIkr2UnYXr93+9Jts"
    "FfZLBNIMbVzG4Ksp5kPk960tP7SPremFIDW2y/h50Hc4SvHfpgGthpnKDvDaJPMXzIyrKH"
    "GrptLzLwBFe/tYQM8zNrdpBbPNVvmevoIxcyjHWLYUgyMBs5pu2alHCxIa9Tu8ezITIZep"
    "zoLprq95ghns6QyxMsSu/hE0YM0hD+09Otj4hhjIbwOn8VGfft2XCf12jQEVRpkrtNFO4R"
    "808Pay69wyDBMfv3fyDZJAZ+wiz8at9rYxNbRgxS0+AFiHTNndki7eamff5J5OQvfquNqO"
    "VNySK3PXMnlMyze55p7HMZ/uwOE+zoLjYi0BLPsgJ1hEn+G0OC63h4/qrGIsHAY92zuIIa"
    "fxt7ZMT1guCX74MOiWvCCztsn+BHzTT+HrxmRETTrjp9rdfqa1ojpVv+OgmNBEkjSni7MI"
    "nLQfv+wy93AY5IbfAKzn5rdl8fHr8RcFDm3jnioYCu8UMI6q7uiwoFLBAX/6YwP5vojhzz"
    "MH8CdXjRMniHCQvAFx0ghC8EaAOQNqb6k2ZhcudO4Ovx+yUQf212BcrH7wXKFPqr36Ovgi"
    "cH4hEHOw4u71hpgPv4yc0GOJSpBchLQO23fu/zkqeM/WlFwXx92fxd4DydBU8uOlefw+wR"
    "8M8uOqcJ0MGQmg+SNn1KqYV1Ikd9IZTA/BakNgV6aFy2C/ppp3MRA/20nUT15vK01X39Tm"
    "gAMpmuSG5f9RNQjxzMIdF0Nw33OTxxzSmW4x2XTGBuBKL74YcdbPUN+IFGh1izQM/LekH7"
    "stXrNy+vY1o5b/Zb/MlBrBuEqa+PE2ZoXgj61u7/hvhX9K/OVSs5JMzz9f/V4O+key7VCH"
    "3UdCMy3oWpIWoxrXu2UVLrcUml9apoPcQoovbg7Rdaf4ApDkcjpfI2yRjJIhIJVQNcm1Lu"
    "u01p9o6/wS8H797/+v7D4fH7D5BFvOU85dclyvZNJ5/2ju8j0zCecKuP7h91x9BiT6LD2Y"
    "h6/CXSA1og+elLF1u6K4c6cFKafik72KV+hM0qTJU1Tt02+ZxpXZBs84s/8VqBUWAlKw8R"
    "b1/0gGa1uPSj6cE0maIT/U78JF43rynRoiQecaSxZXvC0Xa92gHuYZgxuAzpxEC2ztgjdQ"
    "z45oBDinULG+i1cEQxGTkzIcS90TcfkQ6u7JM59aaIjtFbNIUJIEMescwpTGqMtC+8oXoG"
    "ZEDOfmudfWFoQi3Dd7LvKPeuAy/5RHjXtoMfTOqBF45vJ9zlZuJ9xOuY8FqYGHtQV/D0FV"
    "TBsCP89Ngb74lvhLoT+Fn8jfQBCUt8NKHpe64o7qZ7oTx25bHv0GigPHblsSuPvbzH7jEY"
    "zTX4zRLfjZuQFvGmAu82vJxORjjtw8VK2F57b9zwim+g3v1eq9drd656Be12I5Q7QeGnAb"
    "lsX930W5AUfEjOCPKYoQ85rNCHTCP0IWmDfISD+UQBfysltz2v622Fva4otJY5woRhQ2OY"
    "cd9U4jBkwiuVVRAnIWamrTkwV5a03Ow5SkyolE2pmEsWNxDvDg9ymAjIlWkkxLM40MGEXv"
    "NdBMnoaRLdmcnxTssmB9GZi1m9pi6nfOIRHUUB3NP2VbP7h3zuEuaPTs9P/+i3mgk9hD6b"
    "to5ClhRSUjMV6xDVUYyGn2wTxEqsX+cr8RnWtXdHeRVfxk5HLxx8Z/LfxjGY69FzrCLD1b"
    "Iy6jd6Hbx9n2eGy7Nljl/+wx+rNTHFAJ9kTSmfc7KiyArrpvG51T9B8GdArjs9+Mj/lnFG"
    "8iyJZK+IpBZE5E2dYafoMtTKgiqsnLId5+goT785OsruNvxZDoWEC7/FJh0ri1JTj5JTD/"
    "jdHtbwAyZu2TFmSRE17CkbGmKkIJYwXqvKqaFGNmG7ZDCWM12rSlKWq6TlMrDgJ490y4I3"
    "03TbtsyRP0IUC/WtLGiNKODuqGllnC+2cObg0RqIZxagkFa0xXoT2BRt8WfUuqItbj+6k9"
    "i/VHSIkos/JyFoZ0eoFDs0G/U05J+og8078gXPUgtkcq6jZNfabiKdYj1CsqM/zqlqWW0O"
    "IAEgsE+U6IKZ6bbPoLXnouQqtukqQi5MRMET4xN/yDc279bEqhsWdyZKq1FrlYZ04TebMA"
    "yZeE3YvvnlnfvF5WlrOwlbxONZu0/OS6oTWBvlgftmTEYDnxu4JSzwiCldzQJvIkGiRi70"
    "DDRkI2rjIXKpoE7TR9AV8qca7AQ1zy/bV2iiM0QogaJEFk5uZgg/QSXWjCeZDktzwDdSC2"
    "eAn3u8CqQjh7qijb1iiELHtHQbDeex5SCmDIVOhsjiZHRRqmWEZHCTII+4ppWWWcShh1Dh"
    "MPRWb2faX4aIei43A6I0gNzf1w1fZojZWL8XNHFi8BQHj2E6IVjvhKKxP7XgMkyxxXeNLS"
    "6ab9lw6ly4yrTmhuiEQV8ckF6r+7V91tKuu52v7fNWl5M94ykD0jw769xc9UHG/1Amzvru"
    "OA+lK+n5Rhhdx8nVcX00woxBDQ84I1K0WmPJMiqtuE83FxcniP8dkG6rea51ri7+OEHzj9"
    "VQi9pvscH9FrZ3CxMu6SpCNsIxoRrC/PxtODKnKBZnSwgqlujeumTE0qrIKkGFOp9JJc/A"
    "C1V80IrHB9JhoaTuLJ25nNtRJlC0qizVEqrcEoRXXkrvcUml5SprubyVV1Z9d7QMhpjel+"
    "vLMUml5SpreZ2xWo3Nu6TpyFL2WiuasnIqTN6tzdpmBPd7PCvIGpEKK1KjIjXWm96mSI0/"
    "o9YVqXHrpMbgKLqCo1JcSg1HFSeK1gblqvNEqwn0M9NEJebjGcDOf0rrjoIct5mFKbib5L"
    "ElKaYSQpuEhZrNbJMyYHPc9DEGEezYALcr7uMQNC069i/fcKFFGeIf+BGIYdeF3IwfPwrN"
    "FjL5R6oiCrMe9DgxLYxMF410h1NJF9d3UIIlt4BsqWJOhBsG8ZGArRJePeIfsfqRi3Im2n"
    "DxGBrMUPDRbqk78SlqiDr+N0Jd9Fow9t74554OMeFKAAmCscHQAyYGdfYG5NYb3WN3D/F9"
    "75zfBXlFCf6PnIalKJLbrpHcAoWnYV96gmREaotHSM5TdvYMSd0zTDC01JnKvM6cPLVEGV"
    "s8R7LJq/4kat6/vD4s2NIb35pfTxD8GRAQPkFhCS97ZKRv2TTf0pXVSaqQSi+MfutpPcDf"
    "/3dAeofaWefyutlvn160TlDsazWWQAFWm0JlRQ8CScpVWCsl+W6bOv0jaNBFCZwJsfrhfX"
    "yYh8Z5mE3jPJQdSiRbj1p+HJR0PaoO+D47TTY2Ey4Cc0qwfmgfHOUx1ZBryUk1WYTZBXyS"
    "ueVq2mxcXBE1SxI1U2hqjH8tHPJYVo4K/1cn3pEOc7FDzdVlm4j/0etcZSh7IZLUrTly0f"
    "+QZbKNRT4iDvatZ1quSdg+r+8l/GoOUUzPqSsbkrczJBTIC0he2eCvbmm6ZYkTnmTbbpe5"
    "3jJx5YMX8MEji3VFpgMJsRruncl10vqSg9bT56wHi54aeM2uJ2noObdSpkrZ4pJHz6+8J+"
    "rev7n62uq2P7Vb50XXPhaSJ2jxeUC+dbpf2lefT1DwYUA+NdsXIiX4UA0XPK4EjZmBpgpN"
    "IjLKqCGDok4zCEH35GdqjCPnO+SdS0iF15pV7M5ccSPTB0VWy7aBu0lbUmS1n1Hriqz2s5"
    "HVqtZxNsKjeglGT0WB3WVKD4/0ui1+RnhDdjzV4une0iOqeD7/qPHcx1QBtHfgaCMHjz0m"
    "bvlFo4kOvjfSCRJFIR3+47iLM5co8lHjDBmfeGMyNANceSHwnZNVkHjhawcaCD9EyrLoo/"
    "Twqq3VHTB5UrS5gD3EbzP20/xSHSiGpwYNBvmnTyE+YH9EjxMs6gkfTukDZsF5WvPXctGI"
    "TuEXjR06HRCoZMgJBFCn7CX20ZDe/hePXO0eelDknfDYfAp5TX6OVwz12ueK9rNrtJ/i88"
    "jazh93d74oWex/uSPL1K6+Qutpxbfyqf17WRsm+HUyBcGMiCg042iCEXAylvmyoyMxoRrG"
    "Rp6flxKZYRUCOi5WYVNdlpOSh5GSzUfJgLmYdYgJKftQqVWUWmKqtvxtA+Vsl7cI2MtLUZ"
    "gniMTiQOwiEcOFhAoTlg8T6mNXtok1G/a5gEJ9HW4X/GwmHxuXEbqjUvWb0m2A1G0YoIUM"
    "RlFG+16IKITlCKfCOi8YewgWzBtZ0Yfw+d7q+IPtZ80Zgej7O2QXu3GHfnNBv0z50i+ach"
    "XA/8Ng7Z/5gQHGr5kIV/2H4pKJ4R6/b0KswTs6YbpYPk6HHbZRoVqbr9wUKXttXuiy6PL8"
    "XEit0Fduhb4idrVt4KlNXUxGM/84BplxTWdaamHNRXbNZ6bnNLOdsTBUkIc66LUurtWBTz"
    "riK7Nv9sTDqeff9SOCrTxBZPLDjyPLhG7+in2ERNuFp4h5YnOKsKR7/OoddPAeTagnu6do"
    "67UrA7xDBlg0i8LrWwsZxRFSIYWX8Iqkey2zAZbvrawDtAdHR7n2tR4t2dd6lETXJLZX5v"
    "KRuJy6BiY6JSuylXWqG7igUY6IqHVZtY1AuRvbdDeSN+hKnA3JJbvZrob8ht8cngZM3flO"
    "2X00hJbLKBkips8YepzMOC/SMA1xDpqYwGPDZ3aaTPwan1vpZ/qIhv6+tWH8KaG31JiBFH"
    "vEDjYkvsZ26xfU0nBFeYLBAjrMPwBu+J3Dv4cedMvDP4acIkoZ5i7Nrc7MEYKGNEGPJqR6"
    "LpQdXnE6oZahfJhd82GyeSWriYBrkUu2ZM0b3dbndq/fbfbbnSt+8eXi24D886Z109JaX1"
    "uc9hf5kuybL0P9m0L3oaWVs5CutHo+twB6+DMg150efOR/y8Cfx0nK9pFSLpL0ALE+fsrY"
    "TrXOuWG7NK1p/d5fHguNzdjD7MkAqTwWGoxBRWLREtHtH0RSw7A0nykUaf5JOdUPSvSDrM"
    "MvMvdwZp5zkW8LZ8Xc1efexGl4/qqgNi2CaUJqe3tjdwhZB9tWQfMQCNSBULH94RHA0wAE"
    "MhIYpXBfcQpUSnqLh0C90MLi850B5Tvixdp6KKEae/HGrlYbs634bh5fkefQEnXegjpvQZ"
    "23kI/zaNtWeECWjPIYeby3lPG4yJifiIP10QQFy+t7ggLDqxcL0bbO2CN1jBw3iHycZ2Yi"
    "t38liZR7s9EK+QL4t2AVWxcr78j3qBY18jQ6RqbLkG93/ALEorq6yWRHV7yLnlW/1iH1VT"
    "OBm6aW8H/lZ3lnT5mjMrUAeeuzZrBT/BasMPJZ8PaLDPFaqGI7t2AkEVwvcpNdWpVVUtVI"
    "Tqp1B7OItXpIpIw6uPlbYMUlIQynZJL1rCUcuWWlqLsfShLmOKjhWctrDCEZRdSwf2xwFE"
    "mCuP5Ikl1ihTVT5cEk1c5LDijLyqmwaqo2qCRhLD+wLCtJDS4lBxd1i8nLRrBURCXbQNU3"
    "oqKOga+b1iUsfnUMvDoGvhqTBxWW/NnDktgxR5OGLCLpP9lbGoxc5FkVhswG9ZljcJkmU9"
    "qvJdYy0OB6sbfKswKzw2yZg1G2V5w9GlVqpbtKHjDvVAUQDrLXEN13b9/m2X/z9m32Bhz+"
    "LOE8UeJi2eiUvSUhIqK2IhTcivCiG1J//B9GfHvX"
)
