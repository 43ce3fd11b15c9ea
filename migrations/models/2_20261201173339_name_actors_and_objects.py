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
    "eJztXW1z2ziS/isofUnmSqN17CSTc66uSrGVjDaO7bXkZGZPVxRFwRLXFMghKTvaufz36w"
    "ZIiSJBmtSbSQ6mahSZRIPQ0yDQaDzd+LMxs8fU8lo96j6YBr127QdzTN3GKfmzwfQZhS9p"
    "RZqkoTvOqgBe8PWRxWU8UVhzgtL8rj7yfFc3fChwp1sehUtj6hmu6fimzVBsiM/U7uliSE"
    "yP+FNKmO3OdMv8Nx0TvAfXdJ/fmDPzjzklhs2wUpP58HXm6C713hOPUjKExv3tzp6zsY61"
    "/w2lvZazGLawKWPbADGTTQ76VCGt+faEQmWI8v/8L1w22Zh+p174p3Ov3ZnUGq8pwRxjBf"
    "y65i8cfu32tnv+kZfEXzTSDNuaz9iqtLPwpzZbFp/PzXELZfDehDLq6j4dR5TB5pYVKDC8"
    "JFoMF3x3TpdNHa8ujOmdPrdQpY3/upszA381ARBaKxBa0AGYb0LbXa/F6KNmjv87aHFEWt"
    "Mur/par9PXtEaiY2DLYloLLq00gfj9+UPUu8KJX23gA85+bd+8PHn7E0fG9vyJy29yFBs/"
    "uKDu60KU62IF/twZI1Sa7ieVcA53fHNG5YpYl4wpZByItsIvmygmvLDSzOrdCsEN4dsD4A"
    "2X6uMrZi2CLpGhgH73S6fXb3+5xsfNPO8Pi+PX7nfwzjG/uohdfSn0ZcOwIQaWZSXkW7f/"
    "K8E/yT+vLjtxrS7L9f/ZwDbpc9/WmP2o6eMoRuHlVeuTWh8tNM+wHZrU/dlUdztsPuO67w"
    "IuOjNoah+I1hPrCYBoDt0Hr9yeVd9on3/pXp4S/s+A9To3X7tnHe365upr97xzc0riVwas"
    "fXZ2dXvZBxnxJT7CpnSdmf5dsyib+FP489XbjK7ztX3DX99X8e5wGdw55rd+pOkPxnat2A"
    "gqFd5iQD2M7g4yTkoRnsOMvznEEWmFcSrG/JJ0EHoS4FC0xONO/ilnbdx4+zrHuPH2deq4"
    "gbfWEX8AOwWblEC6y3w50BGJGMDQ5n1N6q/2Be8EW/Dz8avXv7x+d/L29Tsowlu5vPJLBu"
    "JdGP3X4Szaa7fqqqUzj/bcV8OVSxLgPv2e0lujMrUAOcvm7PzWXzM3QzBffmn/9tOayXlx"
    "dfkpLB4B/+zi6kMMdFjCmg+SPv3Bti2qMznqK6EY5iOQ2hfo4SLtsKB/uLq6WAP9QzeO6u"
    "2XDx0w57gGoJDpU/ngYcDyYrOV17qkWnmVZeUVdMnIwouj9gM9H3f3keU3Xhjpxv2j7o61"
    "tTvRN9Gw54hH8l0MJD9+vqEWd0NIukHg2WqLWirYB36EvT682pCsY3XHxOF+W5Ac87OYM6"
    "plLeaCCNcfW+Jz69EK2tKp6ODbZx/bae9j8tbseBa/ojN9wn8SPhufFHvfJE7myKuY7lyO"
    "vvVP+5R7FKYC3yM6GxNH97xH2x3DXy4llBnuwgFVkZdxv21wC72XzmL4U4u0yXDuwc/RwK"
    "AzZ/PZkNh35IjMYL73yJxZ5gzmsHHSt3zQpw/YgJ392jn7HHFQe8Q3KfddOy59MO25Rx7p"
    "aGrb98TjbSO+TUwoRr87prtoEj28/wKqhk4deMBFofAnNPkPGtn+NLxze3OhfNzKx60srd"
    "JYWsrHrXzcysetfNyVwlj5uJWPW/m4q2UeKR+38nErH/fGPm6xsoffLFl55bS+12o4XH9v"
    "3OKDb+G5rV6n1+teXfYKLnoboRya3OLbgIFNftvvwKXgyyam9rsco9C71EHoXcLOjnpfCs"
    "yaCbnDzZ1HFZk7LdOgzAMTzqMeWhgSP2wqvFJZBXEcYs90NJfqlqTnptsoa0L1s6lfnRzn"
    "WYyfHKevxvHeOtCB51QTnlXJ7Gky3V3I8U7KxifRhU+9epkuH9DwiM6iAO6H7mX75ne57R"
    "KWj64nP/ze77Rjeghd3do2CsmoZEPNlOyFKI9iNL75QL0NvM/5atyBV7o6yiu5E1rs90d7"
    "hUsnJv42xGCpx7lrFZmusuqo3+x1fPQ6j4WLxVLnL3Hzx9OamFGAT+L2zLc4eaLKEuum8a"
    "nTPyXwMWDXVz34ip+bLEbyuETSPSIJh4i8q3vULeqGerKiEitn0xfnzZs8782bN+mvDd7L"
    "oZBwq7yY0fFkVcr02ND0gN89pxp9oMzfdI7JqKKGb8qephgpiBsMXk/VU0ON7GPsksG42d"
    "D1VE1q5Npw5BpTHktt6JYFLdN0x7FMQ8wQxXajn6xIbUwnHGcuNbZAPLUChbQi+tebfpZG"
    "9F97v2JpIoq+XXLxXXJCK/tyJeIp0lFPQv7Rdqk5YZ/pIrG2l7PfJclBqol0ggkPl139cc"
    "lWTutzAAkAQcUe7w28Fzfds37jR64gFhWfoeIztkEHLAwwsdGig3J35mRLpG7C6s54bTV6"
    "l6V7dfCbzQfqmnRL2L6J+s5FdXnexErCFjFltx6xljXVCay9Rk6JQV4WOLUc/jPipiITzd"
    "NxU20SDyXCSCKPDDnBf4hxPxhVZD+C2oiwyTxosM0oubNdQa1vEvodHmIteIgQFOW3uBgG"
    "BxFelZeMmjrgszFmqn3nwwWduLbPuyMZLncVg93Eqe5NeXYw3TAoD9qaM9+0kgVX247DFh"
    "mGa5PRQvuPIY/6YjY2A40rgqpoDtiIGjrMb9iyBbHnPg4fvJlc2HZVVJWKqlLL2tIsa1VU"
    "lYqqyhxBVVRVDnefiqpSUVXPvZ2moqrKTlveZu7cbsI8kLFUmxkTl0WeB094oCmMiqc1Fq"
    "+j1Ir7eHtxcUrwc8BuOu1z7ery4vdTsvw6YJ/AEP3WhmvBl3IoSkUq7nH8d+YjyzSkxkw6"
    "wmtCNYR593044pOReCAzGCoxQRVf0dyWxr+xKtJqUCShHalkBxEVKpKi5I6nJKEirjtL93"
    "xcI2/igXyqLtUTytwT+F7GRnpfl1RaLrOWNx/l1aheHS3DQGzfb/Yur0kqLZdZy9vM1Wpu"
    "rpKmI7SArXycsnpK7Kevjbczgnvx/UGpsNq7SkV4g/1BubTCWIVc1JubkifkIkieXvCNWp"
    "dSb1LcIV2yMJbaoFz2KJZyAr3jIBbJ8LEDsPOfulJRkNfHzMIBQvvkkV/YE5N91E1r7tKG"
    "hE2+dr+ZxSm3sKR2J4rmZpZjeTomtkscyjDUhOi+T2cOHqcMkMGt0YIMRd3+1LV936J4FE"
    "aTPE5NY0oeXdOnHjF9MqJIpxbnWwSx5kjTNqbUuJedx3HAZyOzHN4KohNeWZMMvfnoX9Tw"
    "BZEc+d/wMNz4wtM8sBb68wwaR2AyByw98tKhtmNRMjPhXbqnYI4QfIci54ggF5z+JA7jGD"
    "Lqw9X7IV4dMMMyKfNfeCS43CKiLWPTMyzbC0+2xmvB4zgBHTnqsqZhzDh1X3iCcy+euHbd"
    "HCuieoWJ6kHXLLaJGxFSe+nNDTdug/dT7gNKIeWsRGpIGNk9LweevtE6NypXw1VuRVa1qS"
    "7VxOLgeYyp62A6vrYt05AG58VKZBpU4eSuOVjYzGtT9WEuNtHmtkTY5YvVWV2E17Q4JRge"
    "59qPTZz0eayciGHDaTzoW+JksjvT9cAamupsIjOh9vuoehsQR8F/P/OPX/DjXfhn8N+rah"
    "kOKsItfVqrphdRRbjVfwdLRbipCLdaYawi3FSEW/Ui3GYmw4NhQo3lRzUpeEBwq3LsCaN0"
    "7GljcyI7WSnzIKuY5AFPs1peqexxVgI7bzEb2ZJQwBywr0QV7gVwd+kdmAoewDmbyUboTO"
    "STwuoEt/zQKyZN+phezTVwGpOmJC7HnjjurCHxNYa3mllOxuhxaTn2axmBpTkjgdR7Euyb"
    "mj4RW9p87xD9fS0yjDKR+UYnJkA2Mb+VyNkFlsvcp5KN2T09pN7+xPpuSKpYahVLXSq/xL"
    "72f7l/B4Z5Gakqw3+xJlXDrn78Jk9fh1IZh10k05QIqksRoCMiNUR59x4iZQv/VWzhEseu"
    "lU3zFdF0ruC1EoUcKzXvT82bbFrtZKeqQkrdPHhh7u0kYCHnoQYlhfRJBn2kQ5WKPs9hl/"
    "heQnWkO16WB1nsJ/96k+ieyIB+3eX5xVsE2VpC79GaDHvm6C7WRpFyjvv4w92kYd+uCciZ"
    "Hy4pcMus6213YrPjFx6hzABQx/iAWZOYzLDm3EsENYEqfACXM9M93fKV96fC3h/FKqvbKk"
    "KxyhSrLNt6VKyytHFSscoUq6zOPkPFKmuovOl/yRmTL32KjDBLgTKrZ+MtnzwjC5TK2PJJ"
    "jC3LxWUS5T79njK8rAnVAumsVULnt/7aAiHEU76vGRaP4H+GW50qz/zh8sxHHSRF+nVCsB"
    "ZwH7pvL1H0qL9JXuWkeA3dFNV1SyT3QmZzz9dEkKoWai+p9UyCbVoVB6TZPhNtZnc0W93w"
    "zQfJrJIJ/EpIMZrzQ8335EUOnA039KPCKhttmUc3xdhJN+Sq6WtXeSBVHsh6oZxBpVB5IF"
    "OBVnkgywDylnkgoz19FbUTs4ADyY+fb6hIypPVuZcBQhWbjdMA/7FPrs8NNWCpBs06s9md"
    "OWlIaD/xIs0sBpAbFsbfAaVzsoGGdyBCXQcAwoinkN8hgqI8H166Mf8HfgTxqO9Dae890c"
    "kDdaGcwfuESHDpERszST5OTYtidNVUDyrh6SCZJDTrgM/m/J8gtCQ4DxR5QcgBosxwFw50"
    "1hbp+iLj5aoEvFxDnlBqZPtTbAQmnuLfUZ3kJecxhYkyKUNlgIBL/5gjI3XAHigb226TjO"
    "bGPfWbcGfCaTVQnNeCRKawFkUsUsQitdgpzWJHEYvqv02qiEWKWFQrjBWxSBGLqkcsCgzn"
    "gjswESmV0KfIdtd8bMLC1XZnMmM1n8ESr+Nw+/2NNj76I39y68v1ScFlQuNb++spgY8BA+"
    "FTEtZQcEh5l2NEeZc6oLyLjydieaiJ1eKmOklUUuKRvNH+1tN6gL/4F2zIE+3s6st1u9/9"
    "cNEBAzL6ZzlsRYDVseFh2twtxqyLyZVYK5vy645e53kfsFg6w47flL4VRW2amFj98H57ks"
    "eeOUm3Z07iSAu3VBGQVxI1xHfn9uKaQ7EIzAnB+qG9l4QsCVevxLZ8OgnRuviGqYhKBv4z"
    "ZCJKoLkhwTGrHkUFKo+bNEkK8U40X59INhj/3ru6TFH2SiSuW9Pwyf8Ry/T2tnCObFSM5q"
    "blm8xr4fOeY1MCIVrTc4JqHGcVxxSIFcSpxmK3UNMtS8OT1mRbv9lpXZPiag1eYA0e2fks"
    "Yg7ExGrBsl+3Bk6OcxgDJ8eptgDeis0+YgdZg1WzP09J0ZYjfC1RywFdHj3x8B5/duv28m"
    "vnpvux2zkv6vtYSZ6S1fcB+3Z187l7+emUBF8G7GO7e8GvBF/KsQRfV4LmmYGmChkRKXXU"
    "cOO1ThYE535HiR9FbAmp8FZWRXVsxb2YD4ranT4GVpPtUAFqd9k0vRfW8XPwX0sKbJUPQu"
    "9x9uIZ/I+8Nt1qyDLqx8s0M1Pr89KasSyek+D5GRmG/lT3yZIh6pFH6i4Zlo+mP22Se+r4"
    "AX8yUm7u8WPIZ6ecTRngTWb6gt+xkaEoKIyjBYFRI0nxPOjTOclznVOaPA89ZGSG2zLrXM"
    "xmmFDOZNGHNolni59B/5jrlniqBwsHOmDBkaQiHR08d6a7CyyAD3+56qJNYo4VxbPKFM/t"
    "dme33JY90Bit9mXrtLOyp33ZZ97NKpu58tfaziob+s+wn5XpvM3SQ7b7VmkgtwaU/yF9NF"
    "L+B+V/KIP/4Uy3LOWDeEYfBBJl/c4D5W1PeB8id5tZfgdk+voaxYK5E8wDtBOY6GAt/y9q"
    "+B4BaVgT317jICJiJcWV885Fp98h9LuB639YnIvHENsagzSstzFSkvCWXrvQM9iEQKeyHz"
    "1ZSvn9PzQIIk2EtnM/Q8Rb8ALPDRR3ie7zOziZ4LPwO39ei8ALRXQysx94xGpQAyyMl7K8"
    "0ejRsN0ZPEf6YJ4m3xrzGFcytEf407V7eGeWbXJcemd+D58tSkADe91z4bHAbuHxEFd4iT"
    "0abfD7AbvjjcTTW4PAWN92ObOS148dbvXYIMRh+eTgb+E3AUhFrAmZ6WN1gmKV/SDFja7a"
    "GlsVMa7ycbSeL7uvilot5PEqHqqq4lNTYyef6ziqWqK5sg+KuQWjUiUeQUoTTwCDrZvCgk"
    "mHeU2ohp7XPcC8sqcLAb0uVr8OnYejmU7RTDA0A7yKjcJrQmocliJadCCOidWv4+5tiCie"
    "ECApuFFegLLBvePMACqb6O4HB5VN9BAop3vtioCdXYvCPBYwTgEvyYyXzgxfSSg6+OZ0cP"
    "3Ol+XHTYd9KaBQ3yaGD362J58bswL3o1LKxMsRvD8egxZSIsdS+vdKRCEsRzixB/2Mm6TB"
    "Pl8jbZs0vN98eqPUEUVzbpV2vsNIFySvNZkHU7vYfHN15uli98hkSIw2pmQoehL5eYY7Sm"
    "SG2oH/h0TsOHuSfcwhGMGmJTmA+4DPVbt81dzl4yosutG3FFJ7faXb6yvJgNsd05lj+5QZ"
    "C5HfXDbqJgtlDr3mqrgm4kdyjr9XjBIHWRq4A0FeIu/jusuDNzjvAXd6fmqS2dwXucaRAx"
    "F5FhZ8HwaywG1vzgm2fFhtEqROHL8mU3vuSvgqB32yGoOrOQaLjbGivq+VjCI7qn2z51gx"
    "SQMU0gGu03m48WCQN7mCQd5kBIO8iaNrMmfupxzRmhV9sC6ngg+aGwYfIIGx4KAcEVE+Wx"
    "XKoVYch1xxfKOjqW3fn1PLRAJ4Q7LeiBfJXG08isLI9MfSJi2w2MBsaS0yhJ7rIVPa0xce"
    "eZwukAF+p5sWHQumesCtjpj278lQZCxaEq956Lw992G1AHpyoOtIjlg6wDM5Kz70Kk8pjH"
    "SuJ85MGv6JMDfJg27N6Y9hk0uTme7dw6olkshArVEqvEZJJ0c9zRreiiF1oNG6cdP51O31"
    "b9r97tXlKYn+NWD/uO3cdrTO1w5yhCN/xN/D5+EJz+BNsjdWzkq61Or51AHo4WPArq968B"
    "U/N4E/zyIofQ2UWAJJkxH06fcUNtA2OQiqZLZ0futn74OuWeRh8fjmqHwfNJh7iuxDS0QP"
    "n2y2hlvSI3ss8QCkd/+4nHoPNngP0hKcplIQU3OZKuohvvlz4fXTZkUwjUkd7qynCiHrUs"
    "cqODwEAnUgUxx+egTwNACBGRyjBO5PZPpOSB8w0fczOQ53l+dbLLqL9fVQQnX24p1deRPT"
    "R3GVGEYlhilDYhiVFOY5k8I4jhUmQZfRHSO3m5lsx1XBnO5vfsg9iSBKfJMSqhtTEnjUX/"
    "CUry5PSUJ8m5hQxtE979F2Ax81z9Ma3Lm9uWiR6+C2yGBCmeEuHOhOSUf4wZ+u/NnV9GeH"
    "JyIXtyDWJZUFURYLQrI/GbReeoT2VnlQZPWU2I6vTUqUCO7Fs6NIhRVPIxXhTXKmSKUVxq"
    "kYFw3dl4iWeNwpDVOxeNz+tgH7G03qr/YF7449u0V77VZdtXTm0Z77Kv4rz/2d7k2MytQC"
    "5IM7FHXLgvZoIemr4CEDKeK1UMVhDhuII7gdqSW9tjKrpKwkl0TvBtOu6BSQVUf9LJi9BA"
    "TEIQy9VpKtvozwgKxa1NHnmx5UgEckB0eNbjGFpFRRw/djj7NIHMTtZ5L0GkusmTJPJol+"
    "vuGEklVPiVVTtkklDuPmE0tWTWpy2XByEaHuGsKLGEtoak9Qe5LiB+T2LK9UltyjyCbpA1"
    "Q1t4oU2USRTUoGbJXJJngEVEPCMuHXm1n0kuWElOe4ISwsYguRmbE8QLhJHN31TSxHx3hG"
    "8MxmPj8DeGiOMRqRp7cydBdDOHn+K+hMri/O6rmH15+Fh+Hcma6HJxg7tuvLjh46bAMw4D"
    "LHWcOrM4s5mPDJyIiSsYktH8190aRAqMVDPV0xJ4lzkxmhHrQEj+zhaZ3w7CMsoolm0PEQ"
    "hCI0oPAgJGZjAhp8S7FlTXimoeN5zaIV9tzHqFn8VaZLIuLiNKIldi88YtniDlQ6YEGumy"
    "l16eqHmT4itvAwwtQcA56Uxc5hgrfnzpwEnHxiTHU2oV6LtPFIIxiSYGqPNhaPXvL54VGg"
    "xwFbhaiihGAQ+agqfdXOkA8UNlZxfyrM/VnvzYWm94Sk2tteN5Yn8Hsf9QVfahRMWSoRLb"
    "O3fsNV/KvjPJ4vKJVOizlO+L3GJoxU6QmPnnZzrVVQYtcJLM8+XN1enp+S4MuAXd32g0vh"
    "t028XHmUkq6ShELuXHumAeojWcLk9FcgJlZiRZTJh4WruMJQrwkpoHMBvbIdi3pC1iVr6A"
    "mpiOdDQpKVuD6Y9wgG+CZ6jonuQNEle8vqpGcKEG6i5Kic0nCZNeyZjlY8X8CakMoZkNwR"
    "8Kk7M5lYBqaF/mZYHlJpZYLks/XcObsvhHYooADOCbBuyPNeZmG8kqkfzHtZsS89i3yo3T"
    "gQSVLN4XwmjZvw6T18eOsymMWKrOdR5pTg54DddM6ubs67l58w/1rwdcB6/asbfi34Iq50"
    "zsWFzvmAfWx3L/Bv8e+AnXcuOn28EHzZxB+w+9illarwtC+Z1VVU5at6SvzSNb61v54S+B"
    "iwL9cnpwQ+SuCfibw35r+ptiSjxOkuk1QrKa2GGtlL/3l8fHLyy/HRydt3b17/8subd0dL"
    "wyl5K8uC+tD91L2M0S9kSVRCRDNzMuVTyi4SNCmtrEH6AOs+O8XHVmTYWtVT5mGr/a2n9W"
    "C8Ev/CpHOinV19uW73ux8uYMZa+7NsEwwA7Njw2KIc5PQaSqypklGQVxiO5sY9TZnmn8J/"
    "JVs/5N+e5AmZO0kPmTtJx9ylk4LHfshka4j5zsMUV7gVPAYkIajQLoL2iq1SkLuQUYUiMa"
    "TOpK4rM3myUg0nRNXht9tkGg7h1H2fzhy/iCNbLny4cP6j/S4EdubOXuf7SVZcWeEFSWEV"
    "XFAguEDloUrv5tUMLpBszCXyUKnggioFFyCPXQUYPHOAQaiAlDiDiH6yww204HfmDDvgbH"
    "X7Edn8OgsZ5yEt3RNs96aIDIDljMcTSAYk9sjRR8Sld3hqtp0MK9j1AzBs4AoqWosAuBZv"
    "Tu8fF00yDAEYBqx6W7DpDZsbSzrUzWMWLGTvmx5vnLksxQBVbCu2bcm/HzDezBbh+0Azfk"
    "64bri2tyzD4x6gjdBu8i/bZEGYAA+m4E/hOuIH27ZI3zUnE+p68IOpg+x/+sdct5CCv2o7"
    "/M4ho494mgQPt+AxCdhAsFQ8gG6MjcS/l8EY6xEDQpY34z3vbmQkWoc/TMRh8AO1Gss3uf"
    "48f/4k/HhdMUK/R90H06Ca49oP5rhw1roUcTXBxjNTRd63IvjG5ZS7QWK4pM+s0YUajvsR"
    "/41seyyo4+PnG2qlnWccTJw9Xt/Zsrrq9uyEdZNIcrAlVGEsY13hQWfsDiD6LFy6dUFp30"
    "YtwpVi0AZIPmHMhlp72pD9ojsY0RgEWYEFJEwkXZiWYFvZc9cLg1Vn+j31gkBULElnju3D"
    "GJE0X3dTbUqsK8/Ebo7/WieHVtYKU6F/z0EkVK4k5Up67nmyWR1XEqjqbEqNe9m0u7yXOe"
    "9i7ngDi+WceIf4FO6e+LXd+1X73Pmd2C5MkDjHwUzZuTy7+f0azxnGW733ZMgr16a6J5wa"
    "GBNKhtA2VE1rdZN6w+R0vO+H/VUm4bqlPFAZu1f5DPNMwhmkL0nWyeVrIllAZWXMW5PbMD"
    "9e2cA+UIK8Av6TfU4nberCwkY2mQR3MqcSfVXmqWkkHf8dD8mpbArpiCxhTwTD6nZD8f5p"
    "1FuyJ9KH2tSzJtJH2/TDJuow4O4lTA1fqgIIB8VriO6ro6M8i8qjo/RFJd6LzWg2Q79MEu"
    "F04ltEZCvCW9nQPgTj7Vknsx//D77j9Gs="
)
