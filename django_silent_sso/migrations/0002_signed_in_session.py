from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_silent_sso", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignedInSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("handle", models.CharField(editable=False, max_length=64, unique=True, verbose_name="handle")),
                (
                    "session_key",
                    models.CharField(blank=True, editable=False, max_length=255, verbose_name="session key"),
                ),
                ("subject_key", models.CharField(db_index=True, editable=False, max_length=64, verbose_name="subject")),
                (
                    "sid_key",
                    models.CharField(
                        blank=True, db_index=True, editable=False, max_length=64, verbose_name="session at the OP"
                    ),
                ),
                ("expires_at", models.DateTimeField(db_index=True, verbose_name="expires at")),
                ("ended", models.BooleanField(default=False, verbose_name="ended")),
                ("generation", models.PositiveIntegerField(default=0, verbose_name="renewals")),
                ("claimed_by", models.CharField(blank=True, editable=False, max_length=32, verbose_name="claimed by")),
                ("claimed_until", models.FloatField(default=0.0, verbose_name="claimed until")),
                ("renewal", models.TextField(blank=True, editable=False, verbose_name="last renewal")),
            ],
            options={
                "verbose_name": "signed-in session",
                "verbose_name_plural": "signed-in sessions",
            },
        ),
    ]
