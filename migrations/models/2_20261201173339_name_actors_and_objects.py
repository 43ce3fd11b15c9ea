"""The names of actors and objects in audit events, and the last change's actor in each row with a version.

What happened before has neither: the names at that time are not known.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE service_providers
            ADD updated_by_scope VARCHAR(16),
            ADD updated_by_key_id UUID,
            ADD updated_by_user_id UUID,
            ADD updated_by_name VARCHAR(64);
        ALTER TABLE accounts
            ADD updated_by_scope VARCHAR(16),
            ADD updated_by_key_id UUID,
            ADD updated_by_user_id UUID,
            ADD updated_by_name VARCHAR(64);
        ALTER TABLE api_keys
            ADD updated_by_scope VARCHAR(16),
            ADD updated_by_key_id UUID,
            ADD updated_by_user_id UUID,
            ADD updated_by_name VARCHAR(64);
        ALTER TABLE users
            ADD updated_by_scope VARCHAR(16),
            ADD updated_by_key_id UUID,
            ADD updated_by_user_id UUID,
            ADD updated_by_name VARCHAR(64);
        ALTER TABLE password_policies
            ADD updated_by_scope VARCHAR(16),
            ADD updated_by_key_id UUID,
            ADD updated_by_user_id UUID,
            ADD updated_by_name VARCHAR(64);
        ALTER TABLE recording_configs
            ADD updated_by_scope VARCHAR(16),
            ADD updated_by_key_id UUID,
            ADD updated_by_user_id UUID,
            ADD updated_by_name VARCHAR(64);
        ALTER TABLE applications
            ADD updated_by_scope VARCHAR(16),
            ADD updated_by_key_id UUID,
            ADD updated_by_user_id UUID,
            ADD updated_by_name VARCHAR(64);
        ALTER TABLE audit_events
            ADD actor_name VARCHAR(64),
            ADD object_name VARCHAR(64),
            ADD object_version INT;
        CREATE INDEX audit_events_of_key ON audit_events (key_id, id) WHERE key_id IS NOT NULL;
        CREATE INDEX audit_events_of_user ON audit_events (user_id, id) WHERE user_id IS NOT NULL;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX audit_events_of_user;
        DROP INDEX audit_events_of_key;
        ALTER TABLE audit_events DROP actor_name, DROP object_name, DROP object_version;
        ALTER TABLE service_providers
            DROP updated_by_scope, DROP updated_by_key_id, DROP updated_by_user_id, DROP updated_by_name;
        ALTER TABLE accounts
            DROP updated_by_scope, DROP updated_by_key_id, DROP updated_by_user_id, DROP updated_by_name;
        ALTER TABLE api_keys
            DROP updated_by_scope, DROP updated_by_key_id, DROP updated_by_user_id, DROP updated_by_name;
        ALTER TABLE users
            DROP updated_by_scope, DROP updated_by_key_id, DROP updated_by_user_id, DROP updated_by_name;
        ALTER TABLE password_policies
            DROP updated_by_scope, DROP updated_by_key_id, DROP updated_by_user_id, DROP updated_by_name;
        ALTER TABLE recording_configs
            DROP updated_by_scope, DROP updated_by_key_id, DROP updated_by_user_id, DROP updated_by_name;
        ALTER TABLE applications
            DROP updated_by_scope, DROP updated_by_key_id, DROP updated_by_user_id, DROP updated_by_name;"""


MODELS_STATE = (
    "eJztXW1z2ziS/isofUnmSqNN7CSTc66uSraVjDaO5bXkZGZPVxRFwRbXFMghKTvaufz36w"
    "ZIiSJBmqReTHEwVaPIJBqAHrw1Gk83/mzM7Am1vFafug+mQa9c+8GcULdxQv5sMH1G4Uta"
    "kiZp6I6zSoAPfH1scRlPJNacIDV/q48939UNHxLc6pZH4dGEeoZrOr5pMxQbYZnaPV2MiO"
    "kRf0oJs92Zbpn/phOC7+CZ7vMXc2b+MafEsBlmajIfvs4c3aXeB+JRSkZQub/d2nM20TH3"
    "v6G013IWoxZWZWIbIGayu72WKqQ1376jkBmi/D//C49NNqHfqRf+6dxrtya1JmuNYE4wA/"
    "5c8xcOf3Zz0z3/yFPiLxprhm3NZ2yV2ln4U5stk8/n5qSFMvjujjLq6j6dRBqDzS0raMDw"
    "kagxPPDdOV1WdbJ6MKG3+tzCJm381+2cGfirCYDQWoHQgg7AfBPq7notRh81c/LfQY0j0p"
    "p22Rto/c5A0xqJjoE1i7Va8GjVEojfnz9Eviuc+NMGFnD2a/v65fG7nzgytuffufwlR7Hx"
    "gwvqvi5EeVuswJ87E4RK0/1kI5zDG9+cUXlDrEvGGmQSiLbCL2UaJnywapnV2ArBDeHbAe"
    "ANl+qTHrMWQZfIaIBB90unP2h/ucLiZp73h8Xxaw86+OaIP13Enr4U7WXDtCEmlmUm5Ft3"
    "8CvBP8k/e5edeKsu0w3+2cA66XPf1pj9qOmTKEbh41Xtk60+XmieYTs02fZnU93tsPmMt3"
    "0XcNGZQVP7QDSfWE8ARHO0fTDkdtz0jfb5l+7lCeH/DFm/c/21e9bRrq57X7vnnesTEn8y"
    "ZO2zs97N5QBkxJf4DJvSdWb6d82i7M6fwp+v32V0na/taz58X8e7w2Xw5oi/+pHWfjC3a8"
    "VmUKnwBhPqftpuL/OkFOE5rPjlIY5IK4xTMeaPpJPQkwCHohWed/IvOWvzxrs3OeaNd29S"
    "5w18tY74A+gpWKUE0l3my4GOSMQAhjrvalF/vSt477AGPx+9fvPLm/fH7968hyS8lssnv2"
    "Qg3oXZfx3Oor12o65aOfVox3013LkkAR7Q7ym9NSpTC5CzdM7Ob4M1dTME8+WX9m8/ramc"
    "F73LT2HyCPhnF73TGOiwhTUfJH361LYtqjM56iuhGOZjkNoV6OEmbb+gn/Z6F2ugn3bjqN"
    "58Oe2AOsdbABKZPpVPHgZsL8rtvNYl1c6rKjuvoEtGNl4ctR9o+bi9j2y/8cFYN+4fdXei"
    "rb2JjkTDniMeybEYSH78fE0tboaQdIPAstUWuRxgH/gR9vrwaUOyj9UdE6f7TUFyzM9izT"
    "gsbTEXRLj/2BCfG48eoC6dig6OPvvIThuPyVezo1n8ic70O/6TsGwsKTbeJEbmyFBMNy5H"
    "R/3TNuU+haXA94jOJsTRPe/Rdifwl0sJZYa7cKCpyMu43TZ4hdZLZzH6qUXaZDT34OdooN"
    "CZs/lsROxb8orMYL33yJxZ5gzWsEnStrzX0odsyM5+7Zx9jhioPeKblNuuHZc+mPbcI490"
    "PLXte+LxuhHfJiYko98d0100iR6+fwFZQ6cOLOAiUfgTmvwHjW1/Gr65ub5QNm5l41aaVm"
    "U0LWXjVjZuZeNWNu6DwljZuJWNW9m4D0s9UjZuZeNWNu7SNm6xs4ffLNl55dS+13LYX39v"
    "3GDBN1Buq9/p97u9y37BTW8jlEOVW3wbMtDJbwYdeBR8KaNqv88xC71PnYTeJ/TsqPWlwK"
    "qZkNvf2vnqQNZOyzQo80CF86iHGobEDpsKr1RWQRyH2DMdzaW6Jem56TrKmlD9dOrXx0d5"
    "NuPHR+m7cXy3DnRgOdWEZVWyeppMdxdyvJOy8UV04VOvXqrLKSoe0VUUwD3tXravf5frLm"
    "H66H7y9PdBpx1rh9DUrW3SIBmZlGyZig2I6jSMxg8fqFfC+pwvxy1YpQ+n8SpuhBbn/dFe"
    "4dI7E38bYrBsx7lrFVmusvKo3+p19OpNHg0Xk6WuX+Llj6dbYkYBPonZM9/m5IksK9w2jU"
    "+dwQmBjyG76vXhK36W2YzkMYmkW0QSBhF5V/eoW9QM9WRGFW6csgPn7ds84+bt2/Rhg+9y"
    "NEh4VF5M6XgyK6V6lFQ94HfPqUYfKPPLrjEZWdRwpOxoiZGCWGLyeiqfGrbILuYuGYzlpq"
    "6nclIzV8mZa0K5L7WhWxbUTNMdxzINsUIUO41+MiN1MJ0wnLnU2ADx1AwU0oroX2/6WRrR"
    "f218xcJEFB1dcvFtckIPdnAl/CnSUU9C/tF2qXnHPtNFYm8vZ79LgoMcJtIJJjw8dvXHJV"
    "s5rc8BJAAEFWe81zAurrtng8aPXE4syj9D+Wdsgg5oGKBio0YH6W7Nuw2Rug6zO+O51Wgs"
    "S8/q4DebD9Q16YawfRP5nYvs8ozEg4QtospuPGMtc6oTWDv1nBKTvMxxajn9Z/hNRRaap/"
    "2m5I5EI07vH6HXD/oU2Y/QaERoZB5U12aU3NquINY3Cf0ORVgL7iAESfkrLoauQYRn5X1A"
    "V6K4VX2/pQ/ZyKHuzBQckmX2umFQzyMWfaAWObvpD3pfuItV+9YHeZ24ts97LxktDyGDw8"
    "ep7k15MDHMgvt4zZlvWsmEq1PKUYuMwq3MeKH9x4g7iTEba426GMGWaw7ZmBo6LIdYwQWx"
    "5z7ONry2XNh2lROWcsJSu+DK7IKVE5ZywsqcQZUTVg7roHLCUk5Yz336ppywqs5y3mTt3G"
    "zB3JOyVJsVU+ysNL6zKtti8Twq3XAfby4uTgh+Dtl1p32u9S4vfj8hy69D9gkU0W9teBZ8"
    "GTKx4zwJdp7VaLjINjnZbn/v9y5TSLrrYvHtiWn45P+IZXp55rCKLRIZCCMea1uQhGNe3A"
    "cvtkpjBnHHPOVqusMV2ZmPLdOQqpfpCK8J1RDm7c8iESuZxIScQTGKCSoHmeamfhilmyIt"
    "B8Xy2lKTbMElRrnCVNwUmGTExNvO0j0frRZlbMJP5aV6QpV7Aj9dKtXu65KqlavcyuVneT"
    "WrH04rw0Rs35cby2uSqpWr3MqbrNVqbT6klo4QNTayOsvyqfDJSW3szxHci5/YSoXVaWIq"
    "wiVObOXSCmPlM1NvtlAen5kg+n3BEbUupUZS3CBdMT+k2qBcdTekagK9ZS8kyfSxBbDzX5"
    "tzoCCvz5mFPbx26QhwYd+Z7KNuWnOXNiTuAGvvm1lOARam1G5F0pyuAW2C6emE2C5xKENf"
    "IaL7Pp05eB82QAavxgsyEnn7U9f2fYviXSZN8jg1jSl5dE2fesT0yZgiwV1cUBIEC0DivD"
    "Glxr3sQpU9lo1cfxgVRCc8syYZefPxv6jhC2o/MvKhMDz4wutYMBf68wwqR2Axd9Fz4KVD"
    "bceiZGbCWLqnoI4QHEORi2CQnU9/ErepjBj14en9CJ8OmWGZlPkvPBI8bhFRl4npGZbthV"
    "eT47OgOO4SgF4Dsqqh0z91X3jCaUKUuPbcnCjXgQN2HQi6ZrFD3IiQOktvljy4Dcan3AaU"
    "QspZidSQMLJ9Xg6UXmqfG5Wr4S73QHa1qSbVxObgeZSpq2A5vrIt05B6V8ZSZCpU4eKuOZ"
    "jYzKtTDWAtNlHntoTf7IvVZWuE57Q4Iejf6NqPTVz0ubOj8CrEZTzoW+JquVvT9UAbmurs"
    "TqZC7baoeisQr4L/fuYfv+DH+/DP4L/Xh6U4KJ/D9GXtMK2Iyuew/idYyudQ+RzWCmPlc6"
    "h8Dg/P53BmMrzZJ2yx/KgmBfcI7qHcW8MonXjaxLyTXY2VeRNZTHKP15EtnxzsfWQCO28x"
    "G9sS58wcsK9EFe4FcHfpLagKHsA5m8lm6Ezkk8LqCr780CsmTfqcfph74DQmTUVMjn1xX1"
    "1DYmsMXzWzjIzR++5ynNcyAltzRgKpDyQ4NzV9Io60+dkh2vtaZBRlIvODToxgbWLEMREV"
    "DTSXuU8lB7M7KqTe9sT6HkgqX2rlS10pu8Suzn+5fQemeRmpKsN+sSZVw65+9DZPX4dUGb"
    "eVJAPHCKpLEaAjIjVEefsWIqUL/1V04Qr7rlWt5Q+kpXM5r1XI5Vg18+6aucyh1VZOqg6o"
    "Ucs7L8y9rTgs5LyVoqKQPsmgj3SoStHnOewS20vYHOmGl+VNJLsIoN8kuicC2F91Rbx3QQ"
    "yXBad3bYuGQekTtpj9FY0ceeSTiZ4ZKRK+zhwdxhMZUSTFI9MAY9wv6XHLGPlt985mRy88"
    "QpkBgE+wGrMmMZlhzbkFCbKBZvIBeF4nT7d8ZRk6YMuQYpzVbYehGGeKcZatWSrGWdo8qR"
    "hninFWZ3uiYpw1VJT7v+SKifuksi0Vyla6ob60L9ufsEWCL0PWOe8OevBA/DtkF93+oHOJ"
    "ScJvQ/a12/mGT8S/Ks79YSwTGQjvJM49NxoUWZ6XAlUeMqXPUvMsy5Aq4yw1sTAvzTJJlA"
    "f0e8ravCZUC6Szttid3wbZHXuNMBAmj/d2dYHD/i5wiFoXi/TrhGAt4N53316i6FG/TMDy"
    "pHgNbXyHa9NLHjLO5p6vCe9vLWy9ZKtnMtfTstgjf/2Z+Gjb46/rhm8+SFaVTOBXQspVID"
    "/UnOwigkuVZMpEhVWY5yrPbooKl67IHeZBlQqwqgKs1gvlDI6SCrCaCrQKsFoFkDcMsBrt"
    "6Wm22tNA8uPnayqiXWV17qXn3YGtxmmA/9glie6aGrBVg2qd2ezWvGtI+HTxJM0sap0bJs"
    "bfAalz0uxGtyBCXQcAQlfCkBwlvA09HwbdhP8DP4J41PchtfeB6OSBupDO4H1CRI71iI0h"
    "Wh+npkXRbXGqB5nwOKtM4vO4x7KRaDcKfLaCq4+RUYcEOsoMd+FAZ22Rri9oe6sUMLhGPF"
    "Lb2PanWAmM6Ma/Y3OSl5wqGEagpQwbAwRc+sccqd5D9kDZxHabZDw37qnfhDd3nJMGyXku"
    "yBUMc1GsPMXKU5udymx2FCuv/hwDxcpTrLxaYaxYeYqVd3isvEBxLngCE5FSkbKKHHfNJy"
    "ZsXG13JlNW8yks8Tz2d97faGPRH3nJrS9XxwW3CY1v7a8nBD6GDIRPSJhDwSnlfY4Z5X3q"
    "hPI+Pp+I7aEmdotl2ySRSYVn8kb7W1/rA/7iX9Ahj7Wz3per9qB7etEBBTL6ZzV0RYDVsa"
    "Ewbe4WY9bF5CrcKmX5da/e5BkPmCydYcdfSkdFUZ0mJlY/vN8d59FnjtP1meME15qbpYqA"
    "vJKoIb5b1xfXDIpFYE4I1g/tnUQ6Sph6Jbrl09G91sVLxviqGPjPEOIrgWZJgmNWPooKVB"
    "0zaZIU4h1rvn5XyBkkIrKRI0i5TcbqoGI8Ny3fZF4Ly3uOQ4md+IeI00JNtywNrzCUHf1m"
    "x0tOiqs9eIE9eOTks4g6EBOrBct+XRs4PsqhDBwfpeoC+Cq2+ogTZA12zf48JfZhDt/PRC"
    "57NHn0ReF9Xnbr5vJr57r7sds5L2r7WEmekNX3IfvWu/7cvfx0QoIvQ/ax3b3gT4Iv1diC"
    "rzeC5plBSxVSIlLyqOHBa500CM79jhI/iugSUmHlXlpefVDU7vQ58DDZDgdA7a5aS++Edf"
    "wc/NeKArtrAuwu2Z19zl48g/+R16ZbDdlVFfE0zcw7K3hqzVgmz0nw/IwMQ3+q+2TJEPXI"
    "I3WXDMtH0582yT11/IA/GUk3xzslpnR2wtmUAd5kpi/4GxsZioLCOF4QmDWSFM+9ls5Jnu"
    "ucUo/omAQKQs9kYt+SkJEZHsusczGbYShGk0ULbRLPFj+D/jHXLVGqBxsHOmTBXb8tgoEc"
    "odyZ7i4wARb+ctVFm8ScKIrnIVM8Nzud3fBYdk9ztDqXrdPJyo7OZZ/5NKtq6spf6zirau"
    "g/w3lWpvE2qx2yzbeqBXK3gLI/pM9Gyv6g7A9VsD+c6ZalbBDPaINAoqzfeaC87gnrQ+Rt"
    "M8vugExfX6OYMO99mQCUeQcLHezl/0UN3yMgDXvimyucRISvpHhy3rnoDDqEfjdw/w+bc1"
    "EMsa0JSMN+Gz0lCa/plQs9g90R6FT2oye5P3MPhQZOpAnXdm5niFgLXuCFnOIt0X3+BhcT"
    "LAu/8/JaBAYU0cnMfuAeq0EOsDFeyvJKo0XDdmdQjrRgfhOFNeE+rmRkj/Gna/cwZpZ1cl"
    "x6a34PyxYpoIL97rmwWGC38LiLKwxij0Yr/GHIbnkl8VrkwDHWt13OrOT5Y4dbFRu4OCxL"
    "Dv4WdhOAVPiakJk+UVeTHrIdpLjSVVtl60CUq3wcrecLja28VgtZvIq7qir/1FTfyee656"
    "2WaK70g2JmwahUhWeQyvgTwGTrprBg0mFeE6qh5XUHMK/06UJAr4vVr0Pn4WimUzQTDM0A"
    "r2Kz8JqQmoeliBadiGNi9eu4O5siigcESAqWigtQNbi3HBlARRPd/uSgoonuA+V0q10RsL"
    "NzUZjHHMYp4CVZ8dKZ4SsJRQcvTwfXb31ZfNx02JcCCvVNfPjgZ3vytTHLcT8qpVS8HM77"
    "kwm0QornWEr/XokohOUIJ86gn/GQNDjna6Qdk4bvm08flDoiac6j0s53mOmC4LUm82BpF4"
    "dvrs48XZwemQyJ0caUjERPIj/P8ESJzLB14P8RESfOnuQccwRKsGmNkqeleyxXnfId5ikf"
    "b8KiB31LIXXWV7mzvopMuN0JnTm2T5mxEPHNZbNuMlHm1GuukmvCfyTn/NtjlDjI0sATCP"
    "ISeR9XXe68wXkPeNLzU5PM5r6INY4ciEhZmPBD6MgCr705J9jyabVJkDpx9IZM7bkr4avs"
    "tWQ1Bx/mHCwOxoravlYyiuyozs2eY8ckdVBIB7hO9+HGnUHe5nIGeZvhDPI2jq7JnLmfck"
    "VrlvfBupxyPmiWdD5AAmPBSTkiomy2ypVD7Tj2ueP4RsdT274/p5aJBPCGZL8RT5K523gU"
    "iZHpj6lNWmCzgdHSWmRkQK4jcWkQdGIPSdOejvcXLZALfqubFp0IzjoSs/H3RLT8D2Qkgh"
    "ctOdjci96e+7BxgCZzoBdJblvab/GcKx/amqcU5j/XEzcpjf5E8JvkQbfm9MeoyaXJTPfu"
    "YS8TCW+gdi4HvHNJp0w9zSXeiDe1pzm8cd351O0PrtuDbu/yhET/GrJ/3HRuOlrnaweZw5"
    "E/4kPyedjDMxhJdunGWUlXunk+dQB6+Biyq14fvuJnGfjzbI3Sd0aJjZE0RMGAfk/hCG0S"
    "meCQlJnOb4Ps09E1PT1MHj8ylZ+OBmtPkdNpiej+Q9DW8KB6bE8kdoH07h+XU+OgxDhIC3"
    "uaSkxMjXCqCIk48ufCFqjNimAak9rfDVAHhKxLHavg9BAI1IFisf/lEcDTAARmcIwSuD8R"
    "/zshvcfw389kTtxe9G/cfxcxkIfp69DRdx3uWxg0is0joUQd8N33RKLst+ldXYXiUaF4qh"
    "CKR4Xhec4wPI5jhWHnZQTTyOtmJr90lTDngcPZr52zzySCKPFNSqhuTElwhvGCB9l1eRAY"
    "4tvEhDSO7nmPthscAPDIuMGbm+uLFrkKXouYMZQZ7sKB7pQ8b9h76eqs4DDPCsI7qItrEO"
    "uSSoOoigYhOREOai+9tHyjyDOyfCqsx9cmCE0E9+LxaKTCihmTinCZKDVSaYVxKsZFgyVI"
    "RCs871SGG1o8UsKmIRJKLeqvdwXvlq3mRXvtRl21curRjvsq/iuPtp5uTYzK1ALkvRsUdc"
    "uC+mghza7gtQ4p4rVoiv1c7xBHcDPCUHpuVW6SqhKIEr0bVLuiS0BWHvXTYHbighGHMLRa"
    "SY5RMxwysnJRl82XvRoCL6UOLnfdYAlJyaKG42OHq0gcxM1XkvQcK9wyVV5MEv285IKSlU"
    "+Fm6Zqi0ocxvILS1ZOanEpubiI4AIawosYSyiAT9CmkuJ75E0tnxwucUqRTWp2VKTIJops"
    "UjFgD5lsgpduNSQsE/68mUUvWS5IeS54wsTCbxOZGcsrm5vE0V3fxHR0grcyz2zm81uXR+"
    "YEPT15QDFDd9Fplkccg87k+uJ2pHsY/iy8fujWdD28M9qxXV922dN+K4DOrDlud17dEs3B"
    "hE9GxpRMTKz5eO6LKgVCLe5G64o1SdxUzQj1oCZ4SRIPpIW3TWESTVSDTkYgFKEBhVdPMR"
    "tD/uAoxZo1oUxDxxuyRS3suY9+yvirTJdExMX9T0vsXnjEssUbyHTIguhCU+rS1Q8zfURs"
    "4aH3rjkBPCmL3XwFo+fWvAv8HYgx1dkd9VqkjZdIwZQES3u0snjZlc+v64J2HLKV+y9KCA"
    "aRj02lr+oZ8oHCyiruzwFzf9Z7c6HlPSGpzrbXleU7+L2P+oJvNQoGiZWIVtlaX3IX//oo"
    "j+ULUqXTYo4Sdq+JCTNVeoipp81caxlU2HQC27PT3s3l+QkJvgxZ72YQPAq/lbFy5WmU9C"
    "ZJNMita880QH0sC1GdPgRiYhVuiCrZsHAXVxjqNSEFdC6gV7pjUUvIumQNLSEHYvmQkGQl"
    "pg/mPYICXqadY6JbaOiKjbI6tTMFCMs0clROtXCVW9gzHa14LIY1IRWPIXki4FN3ZjKxDU"
    "xz/c3QPKTSSgXJp+u5c3ZfCO1QQAGcE2DdkEcazcJ4JVM/mHeyY19aFvlUW9oRSZLN/mwm"
    "jeuw9D4W3roMVrEi+3mUOSH4OWTXnbPe9Xn38hPGtgu+Dll/0Lvmz4Iv4knnXDzonA/Zx3"
    "b3Av8W/w7ZeeeiM8AHwZcy9oDt+y6tmgrvV5NpXUWbfJVPhQdd41v76wmBjyH7cnV8QuCj"
    "AvaZyLgx/021JRklTne5S9WS0nKokb70n0dHx8e/HL06fvf+7Ztffnn7/tVScUq+ytKgTr"
    "ufupcx+oUsFlOIaGa8q3yNso3gV6pV1iB9gH2fnWJjKzJtrfKp8rTV/tbX+jBfiX9h0TnW"
    "znpfrtqD7ukFrFhrf1ZtgQGAHRuKLcpBTs+hwi1VMQryCsPx3LinKcv8U/ivZOuH/LvjPC"
    "5zx+kuc8fpmLv0ruBFKzLZGmK+dTfFFW4FL15JCCq0i6C9YqsU5C5kZKFIDKkrqevKVJ6s"
    "MM4JUXXd8CZRnEM4dd+nM8cvYsiWC+/Pnf/VbjcCWzNnr/P9JDuuLPeCpLByLijgXKDiUK"
    "V388N0LpAczCXiUCnngkNyLkAeu3IweGYHg7ABUvwMIu2T7W6gBb8zp9sBZ6vbj8jm11nI"
    "OA9p6Z5guzeFZwBsZzweQDIgsUeulSIuvcV7yu2kW8G2C0C3gR5ktOYBcCVGTv8fF00yCg"
    "EYBax6W7DpDZsrSzrkzX0WLGTvmx6vnLlMxQBVrCvWbcm/HzJezRbh50AzfjO7bri2t0zD"
    "/R6gjlBv8i/bZIGbAHem4KXwNuJXCbfIwDXv7qjrwQ+mDrL/6R9z3UIK/qru8DtHjD7iTR"
    "3c3YL7JGAFQVPxALoJVhL/XjpjrHsMCFlejQ+8u5GxqB3+MOGHwe8tayxHcv15/rwk/Hhz"
    "YIR+j7oPpkE1x7UfzEnhqHUp4mqBjUemioy3IvjG5ZS5QaK4pK+s0Y0azvsR+43seCzI4+"
    "Pna2ql3SAdLJx9nt/ZMrvD7dkJ7SYR5GBDqEJfxrrCg8bYLUD0WZh064LSrpVahCtFoQ2Q"
    "fEKZDVvtaUX2i+6gR2PgZAUakFCRdKFagm5lz10vdFad6ffUCxxRMSWdObYPc0RSfd1Oti"
    "m+rjwSuzn5a93KerBamHL9ew4ioTIlKVPSc6+TzcMxJUFTnU2pcS9bdpfvMtddjB1vYLKc"
    "C+8IS+HmiV/b/V+1z53fie3CAolrHKyUncuz69+v8A5nfNX/QEY8c22qe8KogT6hZAR1w6"
    "ZprV5Sb5Rcjndd2F9lEa5byAMVsXsVzzDPIpxB+pJEnVwOE8kGKiti3ppcyfh4VQN7TwHy"
    "CthPdrmctKkLGxvZYhK8yVxK9FWap5aRdPy3PCWnsimkM7KEPRFMq5tNxbunUW/Inkifal"
    "PvmkifbdMvm6jDhLsTNzUcVAUQDpLXEN3Xr17l2VS+epW+qcR38buCGdplkginE98iIhsR"
    "3qqG9j4Yb8+6mP34f0FACpI="
)
