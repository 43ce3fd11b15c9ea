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
    "eJztXWtz2ziy/SsofZnMlsY3sZNMyrl1qxRbyWjjWF5LTmb2eouiRcjimgI1BGlFNZv/vt"
    "0AKVF8SCT1MEljateRQDRAncaz+6DxV2NiG9TiRz3qPJpDeuXYj6ZBncYp+avB9AmFD2lZ"
    "mqShT6fLDJjg6neWkOEyszb1c4un+h13HX3oQoaRbnEKSQblQ8ecuqbNUGyAdWoPdD4gJi"
    "ezse6Sif5AOcF0TlxMsGz7AT5RwiGN0D893XpPOKVkAK/zPyLj0XQ+OMIaDXsIVZrsfh+F"
    "e8z806Oaa99TkEDM/v9fkGwyg36nPPg6fdBGJrWMFUhNAwsQ6Zo7n4q0m5vO+UeRE1/8Th"
    "valjdhy9zTuTu22SK755nGEcrgs3vKqKO71AhByzzL8tURJMk3hgTX8ejiVY1lgkFHumeh"
    "ghr/O/LYEPVC4JcfgQ6Za8ILO/yI0ZlmGv/nv2ZIRNMuu32t1+5rWiOmW3ydiEb8pKHNsF"
    "2YzEXQ/vohy12CI1IbWMHZb63rFydvfxZw2Ny9d8RDAV3jhxDUXV2KCgUsERf/xjA/G+tO"
    "MuZB/gjq8KJF8A4SloAvO0AAXwDQHiBtTPTvmkXZvTuGr29fr4H4a+taoPz2tUDZhv4qe/"
    "Sl/+RYPEKwV8HFjhUHuE+/u+kABzK1AHkNqP32730secL5n1YYzBdfWr8LnCdz/8lF9/JT"
    "kD0E/tlF90MEdBhIzceENv3Bti2qs2TUl0IRzO9Aal+gB4PLYUH/0O1erID+oRNF9ebLh/"
    "b1i1dCA5DJdEVy57IfgXroUIRE09043OfwxDUnNBnvVckI5oYvehR8qGCrb8APNLrMmvt6"
    "XtcLOl/avX7ry9WKVs5b/TY+OV7pBkHqi7eRYWhRCPnW6f9G8Cv5Z/eyHZ0SFvn6/2zgO+"
    "mea2vMnmm6EZrvgtQAtRWte1OjoNZXJZXWy6L1AKOQ2v23X2r9EZY4iEZM5R2WMpOFJCKq"
    "Brj2pdxX+9LsPb7BL8evXv/6+t3J29fvIIt4y0XKr2uULYdOXPaOHkLLMEy404cPM90xtJ"
    "Un4elsaHv4EvEJzZf8+PmaWrqbDLW/SWnJUirYpX4EzSpITWqc+tTENdO2IE3Nz3LhtQEj"
    "f5SsFEQe93ebxfG54TTLArQq6GDvs4/ttP4YfzQ5nkRTdKbfi5+EdWNNkf6WYC8IdcV0O0"
    "G41282D/QorKdcTnRmkKnO+cx2DPjmwHad6hY1yAuxTads6MyFEO7Vf35PdNjofzcn3oTY"
    "I/KSTGB5zInHLHMCSz4jbinYUz237Jad/dY++8zJ2LYMaYK4t9H24NsQToXtYerQR9P2OJ"
    "nRuzEaJLh4H/E6JrwWZUYT6vKf/gRVQIMVVoyVN26Kb8x2x/Cz8I30WxaUODOh4XuuKO7m"
    "+kLZM5Q9o0JzpbJnKHuGsmcUt2d4HGZzDX5zws4Wh5A28yYC7w68nM6GNL7DXSnhcO29cY"
    "MV30C9R712r9fpXvZyjtuNQO6UBJ9u2ZfO5U2/DUn+h+iKIMsw9C7DKPQudRB6Fx2DJML+"
    "eiLHbjQmd7g96ct9Dfc72JOGobXMIWWcGhqnHHfuCduFVHgTZRXEUYi5OdUcWCsntNz0Nc"
    "qKUKExpWRbstUB4tXJcYYhAnKlDhLi2SrQ/oJek1uEhNnTZLozT8Y7LhudROcu5fVaunzA"
    "hUd4FgVwP3QuW9d/JK9dgvzh5fmHP/rtVkQPwZ5N20YhawopqJmSdYjyKEaj36cmiBWw7m"
    "crcQdW/+oor+RG/rhvx6H3Jv42xGChR8+x8kxX68qo3+x1/PJ1lhUuZkudv+TDH5s1MaEA"
    "X4JNKdvmZEORJdZN41O7f0rgzy276vbgI/4tshnJYhJJt4jEDCLJTZ1TJ68ZamNBJVZO0Y"
    "7z5k2WfvPmTXq3wWcZFBIYfvMtOjYWpZYeBZce8Ls9qtFHytyic8yaImrYU/Y0xSSCWGDw"
    "2lRODTWyj7ErCcZiQ9emktTIVXDkMqhgbw91y4I30/Tp1DKHcobI5+rbWNAWXsDqqGmjn2"
    "/FcObQ4RaIpxagkFakznrT+xSp8zlqXZE6D+/diZzuyjtFJYvvkhBU2Rkqxp1NRz0O+Ufb"
    "oeY9+0znMQNZMtMx4UxfNZGOsR4h2dFnC6paWpsDSAAIKokS1zDMXHfOoLVnIiwrLq7i4m"
    "6DDizTYZ+K2yLINzLvt0TqOijuTJRWo76c6PCG32zCJG3SLWH7Jss7l8Vl6YmVhC20H9x6"
    "xFqUVCew9sqSl4N8Ekl+Mfyv4ciHJprNHPkWERRz4kLPIAM+tKd0QFxbEMvtGeiKyIUYPy"
    "Wt8y+dSzLWOWE2g6JEFqR+c0K/QyXWHJNMh8cZ8nupBfnx5x5WQXTi2K5oYz9xYkPHtPQp"
    "GSw8777HHQodD4iFVH1RqmUEVHmTEY+5phWXWXrpB1DhINjL3821vw2I7bk4DIjSAHJiO5"
    "JbL2IDQOKc8CnVHwSZnhmY4tARLLrE2QBmk5FcgKEsV5z6qnHqRTMu6nReCJeZ/N0QndHv"
    "k7es177+2jlra1fX3a+d8/Y1UmJXU25Z6+yse3PZBxn5oYg3+tXbLMS3qH0gxHt7G/Uh6M"
    "Mh5RxqeKQp/rTNGouWUWrFfby5uDgl+PeWXbdb51r38uKPU7L4WA61qFMpezyVMvXuYOGV"
    "aGtJR3hFqIYw774Nh9YW+byREUHFpW1uS9ksrIq0EpRDeEcq2QF7VrFmS+5FiTvPorqzdO"
    "4iA6aIO21TWaollLkliN15Ib2vSiotl1nLxUd5NapXR8swENsPxfryiqTScpm1vM1crebm"
    "Kmk6ZNLeyqKZVE6JKc61sW2GcH+g85zcmkRhRf1MRRjdO8UhDkkrjBW9tt5ES0WvfY5aV/"
    "Tag9Nr/aCIOaelVSk1HZWcslwblMvOWC4n0DsmLCcMHzsAO3s05YqCvDpm5iaD75MzeGHf"
    "m+yjblqeQxsJzMGV5811/EELc2ojmTUzi9B15kjoA2Ek0wkCHBZBjSay4sR3k5M7imy9iW"
    "7QU2KKlJljui5l8EQQ40Q8W/9ILj7GC3aoQXQ3iVO49zqRYTjg3t2/6dAVtwDpSNWDZ+gg"
    "RlYfitJfJlApgeUPwMWbZIYsPzKl9tSCsqGHhGICu7b9ngwYdeHrg3+vEOaG9xpiPN6RY0"
    "8UEbByREDZQuKwr6V/LIUU9aNZkGfg96Rkk2UKh2wpUkN+0+5pZFB7oQ16WK6G2/Pqbsel"
    "FSa2DH+aZcuVPzVe2ZY5TDzyEMmxdukSTLTaFDObWVcv33ClsJykxzpS+m1YHpwSm1Hi2L"
    "MgNj5803GBgEcO5CECv2Fh8H3k9NNHPMsw1tl90kUB+6yo3iuGl/5/v4g/v+Kfd8FX/79X"
    "1Vo0TEyGIZeDoTumgFRbWFzwgCaxqgQUZpQaXDPM+6SY5WtDxEckDxgnfpFS2UDxEjs+n9"
    "zZCccsMsC+FFW458DdoSOPUw5wTiZJdvW1yMeF1d0I6q7H5+vBUn7L56h15bcs212P+9x2"
    "9uRtHI2E/WbwqLn+vvrlbR5ZrOPCpi4t0vJku4u3ssHOjXQZXViqRRJ+kG4F4z0ZhKmUwl"
    "4MjdIdjzwrOD0PuwHPpUnW8YPUWe9dZ83s1OpEqDoRWipL6b7cAoJnCSN/klc7vaWvStWw"
    "qR+/ydLWIdea8Mzx0ArS75kH6JBIDVHevQtG7THToa/mbiPLHrNkJ3DKpvmKaDrTEZwSHZ"
    "xUat6fmgscHtnNiZEKKbU4e9TjO2GMZowgWlJIN1IYQw2qVPxFAXuCOSZQR7otZhE1dofB"
    "DpvodR/ZDmlddWR0PjKgSPPDU3I+b093yUR/gILcmR2w/6j01XP4DVsEQdxF7YK6uOBDyM"
    "iHINhy7m12jEESZ4y49LvbJFPdAQEXAywi94DrFsZDHFqe8SyYBTWz8aighJU5uCu6dJ59"
    "80KgzOopbJvIsm2GXGtsE7GN82LQjKPch7FvDcqBUC2QXreGbv/eX1k+B3gmG+CC7CH8z9"
    "Amp8I6Hi6sY3hOz9OuY4K1gPvQbXuBIqdukTBmcXG1aS/1pn3icVeTRNt11w6uY1ilFXFA"
    "ntUT+Xd2x7OCfZ35mDCrrAV+KaQobdmhFsZjeQqwoOU5LKyCP5V5dFOupfSFXH1dS4q+WD"
    "etK/qiCrtS1klRhV0pAcoq7IoKu1JVkLcMuxJu6UvadmQbmeNGuxBDvGKLmzTA93qbXfSi"
    "yQQnb8JdlOn+3sR7MDf7fgcjEKHOFADyWe3oQ/VjuHAXOp0h/oEfQTh1XcjN3xOdQM+GTK"
    "IBcmLDwpDMxqblh2xx8ELJhdMVD3HH3b6HqlgGq5EUYv+uqsBdzKluIbUfRNHFO1g+hj41"
    "ELfR3dnuWF5Qh7FzxDc8MfBCuKx/lsfSB5ShEkBCnNYkj5QZttO8ZXfe8IG6TeLQe+FIhb"
    "yiBPkjJ0EpyptcNW+yr/CcZreQlDrGm8fG6RkmDLS2M0namGe8pS5SxuGcPI0WVv1R1Hz0"
    "5eokZ0tvfGt9PSXw55aB8CkJSsjpcHuXwd/2LtXd9i7qbZMjmyZHuqI6iRVS6rDo33paD/"
    "CX/96y3ol21v1y1ep3Ply0T8nK1yIK2gOPghlTGyrTPCcfnSIiV2KtFCVVvHydpT9gtnRa"
    "hXiY2Cvy+vkjYvXD++1JFm//Sbq3/ySKtFxR5QF5KVFDfHfOplhZCeeBOSZYP7T3clwstk"
    "FJWFtuPiK5Kq6uaSx4TjKGZkFWy7pylP+3PC6huCeQn2iufp9gEPt7r3uZouylSFS35tAl"
    "/yGWyffmHAptsO8803JNxo+wvqfYVyNEK3qO8cuiVLKIArGAKL9MWrc03bK0IfxJMlWuD+"
    "YUF1d78Bx78JCxLs9yICJWC2rl6mrg5DjDYuDkOHUtgI8is480emqwa3a9lAPkGc4sxEo5"
    "oMmjJyvvibqPbi6/tq87Hzvt87y2j6XkKVl+vmXfutefO5efTon/4ZZ9bHUuRIr/oRxb8F"
    "UlaNz0NZVrEZFSRg1JJnVaQQjC3yN1zJE5XDjOsq4lEoW3WlVUZ624l+WD4vOlj4HVZHYp"
    "Pt9z1Lri8z03Pl/ZOs5eqGZPQXoqKbBVvmwKPb1u+5GKd4+xeUJPm+uIPOiqdjWKGXNcM2"
    "Xew0ab+EGrMXyCPFhFdEZEUUSH/yHuyEKBxxI1cb9CEPNyDrhiIfAdySpEvPCVAw0Er1uw"
    "LHvGk6+bOlDdPpMnxiz02UOUBGmyVEdnItVvMPgS+BUn7Pd4v5SoJ3g4sR8pb8qYE4vXcs"
    "nQnsAvwuunbhlUMkACAdSZ9BJHZGCLq4u0B+hBoXeiI/N7wGuSOX7ipNc5V7SfqtF+8q8j"
    "a7t+rO56McHY/3SxQQ5FXqlJaJA0f3T6sJfqiH6Wpx1KEXWtlmjCIOCkmPnSvSMrQjX0je"
    "yelxJaYeUCelWsxEN1UU5KFkZKOh8lBeZ8o8OKkBofSmVFqSWm6lTkIVBO3/LmAXt9KQrz"
    "CJFY3MCdx2O4lFBuwuJuQn3kJp3zTYd9IaBQ34bbBT+bJ8+N6wjdYan6Len2QOo+/JUUzw"
    "DhmFvnCX0PvsG8keZ9CJ43N/sfpjJrRg9EX56QXZ7GHcjmQn6ZoOmXTFAF8P+Bb/vn0jHA"
    "iW0ZgdV/ACtd0xo0icmkDd7RGdeF+TjudjhEhco2X7olUrptXugyr3l+IaQs9KWz0JdkXO"
    "0YdDK1XcqGcxmOIWlwjWdaO8Kay+yaZKZnHGa7IzFQQR7bIS90DIKPYQl0gpbZn5vi4cRz"
    "dTcIN4AJIpN0Pw4tE7r5T/w9JE5deEq4Jw6niJG0KYLrH78mY9tzEly9B69dDcAVGoBFs8"
    "ht31rKKI6Qcik8xa4o8axlOsB1CoAfPdf6JtO51jdrzrW+iaJrsqlX5M7PVTl15Wd4SZbn"
    "KOtEN2jOQTkkouyy6hiB2m4ccrvxjd6NbfvhnFrmI3XmjYTNRjTL2q3GTGZGkizmNmnWnQ"
    "Ys3fGk7BEZQMvlNhsQrs/xhq058iIN0xBx0MQCnhqS2Wly8Wskt1Jmek8G8tzaYPUps+9s"
    "Yw5SfEYd/z6t1b3GYesX1NLAojymMAI6XAaAG/yF8DfJo2559McAKaI2p7iludO5OSTQkM"
    "ZkZkKq58r7x2CrModNjKVuCavcHiadV7KZCLgVueRAo3njuv2p0+tft/qd7uUpCX+7Zf+4"
    "ad+0tfbXNtL+Ql+iffNpqH8T6D52YeUspUutnk9tgB7+3LKrbg8+4t8i8GfZJKXvkWJbpM"
    "QAYuk3Km0TN6xKy5p93KMUmYPy+KITRA8fiKSGbmlcKeRp/lE51Q8K9IO04BepZzhT41xk"
    "O8JZsu3qrg9xGp60CmqTPJhGpA53NrZCyDp0auUcHnyBOhAqDj89AngagMCGAqMY7huiQM"
    "Wk1V1z2WNAyY14vrYeSKjGnr+xK2tj+ihezfAVWYKWqHgLKt6CireQjfM4nVpBgKwkymPo"
    "cXMt43GZMTsRh+rDMfHN601BgcHqhSE6uMw2ww0i7xeZucgtryRJ5N7stUI0gH/zrdi6sL"
    "wTuaNa1ohp9oiYLidy3JEFCKO6usmkohZvdSf9Hqkl+G9yLO/0JXNYphYgH3zVDOMU3oIV"
    "eD5z3n6RIl4LVRzmFowogtt5btJLK7NKyurJibVufxWxVQ8JlVGHbf4BWHFRCIMlWYI9aw"
    "1Hbl0p6u6HgoQ5BDWItbzFFJJSRA37xx5nkSiI288k6SWWWDNlnkxi7bzghLKunBKrpmyT"
    "ShTG4hPLupLU5FJwclG3mDytB0t5VNIHqPp6VFQY+LppPYHFr8LAqzDw5Vg8KLfkc3dLUs"
    "ccjhtJHkn5pLnWGbnMs8kNmQ7qjn1wqUNmYr9OGC19DW7neys9KzDdzZY6GaXvitNno1JZ"
    "usu0A8ZOlQNhP3sN0X318mWW8zcvX6YfwMFnkc2TzVyaNDulH0kIiaijCDmPIjzpgdQf/w"
    "XH8HIO"
)
