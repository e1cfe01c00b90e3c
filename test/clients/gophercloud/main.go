// Calls every function of gophercloud's packages for the Image service that sends a request. Arguments: a file to
// upload, the URL of an image on a web server, a project to share with. Prints a line of JSON for each: its name, and
// null or what went wrong.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imageimport"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/tasks"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

var ctx = context.Background()

func tell(name string, err error) {
	line := []any{name, nil}
	if err != nil {
		line[1] = err.Error()
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func want(ok bool, what string, got any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s: %v", what, got)
}

// wait asks until an image is active.
func wait(client *gophercloud.ServiceClient, id string) error {
	status := images.ImageStatus("")
	for range 240 {
		image, err := images.Get(ctx, client, id).Extract()
		if err != nil {
			return err
		}
		if status = image.Status; status == images.ImageStatusActive {
			return nil
		}
		time.Sleep(250 * time.Millisecond)
	}
	return fmt.Errorf("the image stays %s", status)
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	data := must(os.ReadFile(os.Args[1]))
	url, project := os.Args[2], os.Args[3]
	provider := must(openstack.AuthenticatedClient(ctx, must(openstack.AuthOptionsFromEnv())))
	client := must(openstack.NewImageV2(provider, gophercloud.EndpointOpts{Region: os.Getenv("OS_REGION_NAME")}))

	create := func(name string) *images.Image {
		shared := images.ImageVisibilityShared
		image, err := images.Create(ctx, client, images.CreateOpts{
			Name: name, DiskFormat: "raw", ContainerFormat: "bare", Visibility: &shared,
			Tags: []string{"go"}, MinRAM: 64, Properties: map[string]string{"os_distro": "debian"},
		}).Extract()
		tell("images.Create", err)
		if err != nil {
			os.Exit(1)
		}
		return image
	}

	one := create("go-one")
	tell("imagedata.Upload", imagedata.Upload(ctx, client, one.ID, bytes.NewReader(data)).ExtractErr())
	got, err := images.Get(ctx, client, one.ID).Extract()
	if err == nil {
		err = want(got.Status == images.ImageStatusActive && got.SizeBytes == int64(len(data)), "not what was sent", got)
	}
	tell("images.Get", err)
	body, err := imagedata.Download(ctx, client, one.ID).Extract()
	if err == nil {
		var read []byte
		if read, err = io.ReadAll(body); err == nil {
			err = want(bytes.Equal(read, data), "other bytes", len(read))
		}
	}
	tell("imagedata.Download", err)

	found := 0
	err = images.List(client, images.ListOpts{Tags: []string{"go"}, Limit: 1, Sort: "name:asc"}).EachPage(ctx,
		func(_ context.Context, page pagination.Page) (bool, error) {
			part, err := images.ExtractImages(page)
			found += len(part)
			return true, err
		})
	if err == nil {
		err = want(found == 1, "images in the list", found)
	}
	tell("images.List", err)

	updated, err := images.Update(ctx, client, one.ID, images.UpdateOpts{
		images.ReplaceImageName{NewName: "go-two"},
		images.ReplaceImageHidden{NewHidden: true},
		images.ReplaceImageTags{NewTags: []string{"go", "blue"}},
		images.ReplaceImageMinDisk{NewMinDisk: 1},
		images.ReplaceImageMinRam{NewMinRam: 128},
		images.ReplaceImageProtected{NewProtected: true},
		images.UpdateImageProperty{Op: images.AddOp, Name: "os_version", Value: "12"},
		images.UpdateImageProperty{Op: images.ReplaceOp, Name: "os_distro", Value: "ubuntu"},
		images.UpdateImageProperty{Op: images.RemoveOp, Name: "os_version"},
	}).Extract()
	if err == nil {
		err = want(updated.Name == "go-two" && updated.Hidden && updated.MinRAMMegabytes == 128 &&
			updated.Properties["os_distro"] == "ubuntu", "not changed", updated)
	}
	tell("images.Update", err)
	_, err = images.Update(ctx, client, one.ID, images.UpdateOpts{
		images.ReplaceImageProtected{NewProtected: false},
		images.UpdateVisibility{Visibility: images.ImageVisibilityShared},
	}).Extract()
	tell("images.Update", err)

	member, err := members.Create(ctx, client, one.ID, project).Extract()
	if err == nil {
		err = want(member.Status == "pending", "status", member.Status)
	}
	tell("members.Create", err)
	pages, err := members.List(client, one.ID).AllPages(ctx)
	if err == nil {
		var all []members.Member
		if all, err = members.ExtractMembers(pages); err == nil {
			err = want(len(all) == 1 && all[0].MemberID == project, "members", all)
		}
	}
	tell("members.List", err)
	_, err = members.Get(ctx, client, one.ID, project).Extract()
	tell("members.Get", err)
	member, err = members.Update(ctx, client, one.ID, project, members.UpdateOpts{Status: "accepted"}).Extract()
	if err == nil {
		err = want(member.Status == "accepted", "status", member.Status)
	}
	tell("members.Update", err)
	tell("members.Delete", members.Delete(ctx, client, one.ID, project).ExtractErr())

	info, err := imageimport.Get(ctx, client).Extract()
	if err == nil {
		err = want(len(info.ImportMethods.Value) > 0, "methods", info)
	}
	tell("imageimport.Get", err)
	staged := create("go-staged")
	tell("imagedata.Stage", imagedata.Stage(ctx, client, staged.ID, bytes.NewReader(data)).ExtractErr())
	err = imageimport.Create(ctx, client, staged.ID, imageimport.CreateOpts{Name: imageimport.GlanceDirectMethod}).ExtractErr()
	if err == nil {
		err = wait(client, staged.ID)
	}
	tell("imageimport.Create", err)
	web := create("go-web")
	err = imageimport.Create(ctx, client, web.ID, imageimport.CreateOpts{Name: imageimport.WebDownloadMethod, URI: url}).ExtractErr()
	if err == nil {
		err = wait(client, web.ID)
	}
	tell("imageimport.Create", err)

	task, err := tasks.Create(ctx, client, tasks.CreateOpts{Type: "import", Input: map[string]any{
		"import_from": url, "import_from_format": "raw",
		"image_properties": map[string]any{"name": "go-task", "disk_format": "raw", "container_format": "bare"},
	}}).Extract()
	tell("tasks.Create", err)
	if err == nil {
		for range 240 {
			if task, err = tasks.Get(ctx, client, task.ID).Extract(); err != nil || task.Status == "success" {
				break
			}
			time.Sleep(250 * time.Millisecond)
		}
		if err == nil {
			err = want(task.Status == "success", "the task stays", task.Status)
		}
		tell("tasks.Get", err)
	}
	pages, err = tasks.List(client, tasks.ListOpts{Type: "import", Limit: 2}).AllPages(ctx)
	if err == nil {
		var all []tasks.Task
		if all, err = tasks.ExtractTasks(pages); err == nil {
			err = want(len(all) > 0, "tasks", all)
		}
	}
	tell("tasks.List", err)
	for _, image := range []*images.Image{one, staged, web} {
		tell("images.Delete", images.Delete(ctx, client, image.ID).ExtractErr())
	}
}
