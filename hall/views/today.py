"""Pages of today."""

from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("h/<slug:code>/today/", lambda request, code: HttpResponse(), name="today")]
