from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_silent_sso", "0002_signed_in_session"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogoutRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(editable=False, max_length=64, unique=True, verbose_name="key")),
                ("at", models.FloatField(verbose_name="at")),
                ("expires_at", models.DateTimeField(db_index=True, verbose_name="expires at")),
            ],
            options={
                "verbose_name": "logout record",
                "verbose_name_plural": "logout records",
            },
        ),
    ]
