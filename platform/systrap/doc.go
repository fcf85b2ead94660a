package systrap
