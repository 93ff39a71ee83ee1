"""Every address of Hall; each views module lists its own."""

from django.contrib import admin
from django.urls import path

from hall.health import health
from hall.views import board, briefing, live, people, site, today
from queueing.views import call, counter, floor, kiosk, ticket, zones
from roles.views import day, handover, meetings, my_shift, notices, posts, records, roster, rounds, routines, to_read

urlpatterns = [
    path("admin/", admin.site.urls),
    path("health", health, name="health"),
    *site.urlpatterns,
    *people.urlpatterns,
    *board.urlpatterns,
    *today.urlpatterns,
    *live.urlpatterns,
    *call.urlpatterns,
    *counter.urlpatterns,
    *floor.urlpatterns,
    *kiosk.urlpatterns,
    *ticket.urlpatterns,
    *zones.urlpatterns,
    *my_shift.urlpatterns,
    *day.urlpatterns,
    *routines.urlpatterns,
    *posts.urlpatterns,
    *roster.urlpatterns,
    *records.urlpatterns,
    *rounds.urlpatterns,
    *briefing.urlpatterns,
    *notices.urlpatterns,
    *meetings.urlpatterns,
    *handover.urlpatterns,
    *to_read.urlpatterns,
]
